"""How many workers a scheduler allows for, and the slots of one computer, which all share. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from msgspec import Struct

from .records import WorkerRecord


class Room:
    """The slots of one computer: workers of all kinds are there, and some at a time are at work.

    What waits longest is next. What came after it may run beside it, but never holds so much that
    there would not be enough for it when all that came before it is done: so a job of many slots
    is not passed by one after the other of few.

    Args:
        slots: All of them.
        of: Returns how many a worker of some kind takes while it has something to do.

    Attributes:
        slots: All of them.
        of: As above.
    """

    def __init__(self, slots: int, of: Callable[[int], int]) -> None:
        self.slots = slots
        self.of = of

    def workers(self, kind: int) -> int:
        """Returns how many workers of a kind may be at work at one time."""
        return max(1, self.slots // self.of(kind))

    def taken(self, everybody: Iterable[WorkerRecord], after: int = -1) -> int:
        """Returns the slots that are taken.

        Args:
            everybody: All workers.
            after: Only those count that were last given a task of a higher number than this.
        """
        return sum(
            self.of(worker.kind)
            for worker in everybody
            if worker.outstanding and worker.outstanding[-1].task.id > after
        )

    def is_for(self, kind: int, first: int, number: int, everybody: Iterable[WorkerRecord]) -> bool:
        """Tells whether one more worker of a kind may begin something.

        Args:
            kind: Its kind.
            first: The kind of what waits longest.
            number: The number of the task which that is.
            everybody: All workers.
        """
        wanted = self.of(kind)
        if self.taken(everybody) + wanted > self.slots:
            return False
        if kind == first:
            return True
        return self.taken(everybody, number) + wanted <= self.slots - self.of(first)


class Capacity(Struct, frozen=True):
    """What a scheduler allows for.

    Attributes:
        workers_per_queue_job: Workers that one queue job holds.
        max_queue_jobs: Queue jobs at one time, at most; where there is a ``room``, of each kind.
        lifetime: Seconds after which a worker gives its place to whoever waits longest.
        room: The slots that all workers share; None if each has its own of a batch system.
    """

    workers_per_queue_job: int = 1
    max_queue_jobs: int = 1
    lifetime: float = math.inf
    room: Room | None = None

    def workers_in(self, kind: int) -> int:
        """Returns how many workers one queue job of a kind holds."""
        if self.room is None:
            return self.workers_per_queue_job
        return min(self.workers_per_queue_job, self.room.workers(kind))
