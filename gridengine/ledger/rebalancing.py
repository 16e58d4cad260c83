"""Who has more than can be begun soon, while others have nothing."""

from __future__ import annotations

from collections.abc import Mapping

from .hand_out import HandOut
from .idle_workers import IdleWorkers
from .lead import Lead
from .orders import TakeBack
from .queues import Queues
from .records import Chunk, WorkerRecord


class Rebalancing:
    """Finds those from whom unbegun work is to be taken back.

    Args:
        workers: All workers, by address.
        queues: What waits.
        idle: The workers that have nothing to do.
        hand_out: Gives them something.
        lead: How long an answer may take.
        remote: Whether what a worker was given may be on its way to it for long.
    """

    def __init__(
        self,
        workers: Mapping[bytes, WorkerRecord],
        queues: Queues,
        idle: IdleWorkers,
        hand_out: HandOut,
        lead: Lead,
        *,
        remote: bool,
    ) -> None:
        self._workers = workers
        self._queues = queues
        self._idle = idle
        self._hand_out = hand_out
        self._lead = lead
        self._remote = remote

    def lopsided(self) -> bool:
        """True if somebody is idle while somebody else has more than one call to run."""
        return bool(self._idle) and any(map(_has_unbegun, self._workers.values()))

    def recalls(self, now: float) -> list[TakeBack]:
        """Returns the orders to take back what slow workers have not begun.

        That is worth it where somebody is idle and nothing waits; or where something waits behind
        a call that takes far longer than its like.
        """
        return [
            self._rebalance(worker)
            for worker in self._workers.values()
            if now - worker.heard > worker.patience
            and not worker.recalling
            and (
                _has_unbegun(worker)
                if self._idle.of(worker.kind) and not self._queues.of(worker.kind).calls
                else now - worker.heard > self._lead.overdue and len(worker.outstanding) > 1
            )
        ]

    def _rebalance(self, worker: WorkerRecord) -> TakeBack:
        """Takes back what a worker has beside that which it runs, or waits for first.

        What it has begun nothing of may be on its way over a network, and would have to be sent to
        somebody else once more: all of that stays with it.
        """
        self.recall(worker)
        first = worker.outstanding[0]
        keep = worker.position if self._remote else first.position + first.hi - first.lo
        return TakeBack(worker, worker.position, first.position, keep)

    def recall(self, worker: WorkerRecord) -> TakeBack:
        """Event: a worker is being told to begin nothing more; it gets no work meanwhile."""
        worker.recalling = True
        self._hand_out.stop_prefetching(worker)
        return TakeBack(worker, worker.position)


def _has_unbegun(worker: WorkerRecord) -> bool:
    return len(worker.outstanding) > 1 or any(
        chunk.hi - chunk.lo > 1 for chunk in worker.outstanding
    )


def given_back(worker: WorkerRecord, position: int) -> list[Chunk]:
    """Takes from a worker what it has from a position on, and returns it."""
    again: list[Chunk] = []
    while worker.outstanding:
        chunk = worker.outstanding[-1]
        cut = chunk.lo + position - chunk.position
        if cut >= chunk.hi:
            break
        if cut <= chunk.lo:
            worker.outstanding.pop()
            again.append(chunk)
            continue
        again.append(chunk.part(cut, chunk.hi))
        chunk.hi = cut
        break
    return again[::-1]
