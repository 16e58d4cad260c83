"""The workers that have nothing to do, by kind, and who is kept from work meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .records import Chunk, WorkerRecord


class IdleWorkers:
    """Who could be given work.

    An *isolated* chunk is run while the rest of its worker's failure group, those who end together,
    sit on a bench: if the group ends, it is known of whom.
    """

    def __init__(self) -> None:
        self._idle: dict[int, dict[bytes, WorkerRecord]] = {}
        self._benched: dict[bytes, dict[bytes, WorkerRecord]] = {}

    def __bool__(self) -> bool:
        return any(self._idle.values())

    def of(self, kind: int) -> dict[bytes, WorkerRecord]:
        """Returns those of a kind, by address; to be read."""
        return self._idle.get(kind, {})

    def add(self, worker: WorkerRecord) -> None:
        """Notes that a worker has nothing to do; who is to leave will have nothing any more."""
        self._release_failure_group(worker)
        if worker.leaving:
            return
        if worker.failure_group in self._benched:
            self._benched[worker.failure_group][worker.address] = worker
        else:
            self._idle.setdefault(worker.kind, {})[worker.address] = worker

    def remove(self, worker: WorkerRecord) -> None:
        """Notes that a worker shall have nothing any more, or is gone."""
        self.of(worker.kind).pop(worker.address, None)
        self._benched.get(worker.failure_group, {}).pop(worker.address, None)
        self._release_failure_group(worker)

    def take(self, chunk: Chunk, everybody: Iterable[WorkerRecord]) -> WorkerRecord | None:
        """Takes a worker for a chunk; None if there is none, or a whole group must be idle first.

        Args:
            chunk: The chunk.
            everybody: All workers, those who are busy included.
        """
        idle = self.of(chunk.task.kind)
        if not chunk.isolated:
            return idle.popitem()[1] if idle else None
        busy = {worker.failure_group for worker in everybody if worker.outstanding}
        worker = next((each for each in idle.values() if each.failure_group not in busy), None)
        if worker is None:
            return None
        del idle[worker.address]
        worker.alone = True
        benched = self._benched[worker.failure_group] = {}
        for members in self._idle.values():
            for other in [
                each for each in members.values() if each.failure_group == worker.failure_group
            ]:
                benched[other.address] = members.pop(other.address)
        return worker

    def _release_failure_group(self, worker: WorkerRecord) -> None:
        if worker.alone:
            worker.alone = False
            for other in self._benched.pop(worker.failure_group).values():
                self.add(other)
