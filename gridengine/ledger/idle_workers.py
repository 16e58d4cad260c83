"""The workers that have nothing to do, by kind, and who is kept from work meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from .records import Chunk, SupervisorRecord, WorkerRecord


class IdleWorkers:
    """Who could be given work.

    An *isolated* chunk is run while the other workers of its worker's supervisor wait: if the
    supervisor ends, it is known of whom.
    """

    def __init__(self) -> None:
        self._idle: dict[int, dict[WorkerRecord, None]] = {}

    def __bool__(self) -> bool:
        return any(self._idle.values())

    def of(self, kind: int) -> dict[WorkerRecord, None]:
        """Returns those of a kind; to be read."""
        return self._idle.get(kind, {})

    def add(self, worker: WorkerRecord) -> None:
        """Notes that a worker has nothing to do; who is to leave will have nothing any more."""
        supervisor = worker.supervisor
        if supervisor.alone is worker:
            self._let_others_work(supervisor)
        if worker.leaving:
            return
        if supervisor.alone is not None:
            supervisor.waiting[worker] = None
        else:
            self._idle.setdefault(supervisor.kind, {})[worker] = None

    def remove(self, worker: WorkerRecord) -> None:
        """Notes that a worker shall have nothing any more, or is gone."""
        supervisor = worker.supervisor
        self.of(supervisor.kind).pop(worker, None)
        supervisor.waiting.pop(worker, None)
        if supervisor.alone is worker:
            self._let_others_work(supervisor)

    def take(
        self, chunk: Chunk, kind: int, everybody: Iterable[WorkerRecord]
    ) -> WorkerRecord | None:
        """Takes a worker for a chunk; None if there is none, or all of one must be idle first.

        Args:
            chunk: The chunk.
            kind: The worker's.
            everybody: All workers, those who are busy included.
        """
        idle = self.of(kind)
        if not chunk.isolated:
            return idle.popitem()[0] if idle else None
        busy = {worker.supervisor for worker in everybody if worker.outstanding}
        worker = next((each for each in idle if each.supervisor not in busy), None)
        if worker is None:
            return None
        del idle[worker]
        supervisor = worker.supervisor
        supervisor.alone = worker
        for other in [each for each in idle if each.supervisor is supervisor]:
            del idle[other]
            supervisor.waiting[other] = None
        return worker

    def _let_others_work(self, supervisor: SupervisorRecord) -> None:
        supervisor.alone = None
        waiting, supervisor.waiting = supervisor.waiting, {}
        for other in waiting:
            self.add(other)
