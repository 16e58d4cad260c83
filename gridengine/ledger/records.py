"""What the ledger holds: chunks of work, what it knows of each worker, and its orders."""

from __future__ import annotations

import collections
import itertools
import math
from typing import NamedTuple

from .task import Task


class Chunk:
    """A run of calls, ``lo`` to ``hi`` (not included), of a task.

    Attributes:
        deaths: How often a worker died while it ran one of these calls.
        losses: How often it was lost for a reason that no job is to blame for.
        errors: How often it has raised.
        one_at_a_time: Whether it is handed out by itself, and the worker notes every single call,
            to find a guilty one.
        isolated: Whether nobody shall work beside it under the same supervisor, to find who it is
            that kills that.
        attempt: Number of the latest hand-out.
        position: Number of its first call among those handed to the worker.
        since: When it was handed out.
    """

    __slots__ = (
        "attempt",
        "deaths",
        "errors",
        "hi",
        "isolated",
        "lo",
        "losses",
        "one_at_a_time",
        "position",
        "since",
        "task",
    )

    def __init__(self, task: Task, lo: int, hi: int) -> None:
        self.task = task
        self.lo = lo
        self.hi = hi
        self.deaths = self.losses = self.errors = 0
        self.one_at_a_time = self.isolated = False
        self.attempt = 0
        self.position = 0
        self.since = 0.0

    def __repr__(self) -> str:
        return f"<Chunk [{self.lo}, {self.hi}) of {self.task!r}>"

    def part(self, lo: int, hi: int) -> Chunk:
        """Returns a new chunk for some of the calls, with the same past."""
        chunk = Chunk(self.task, lo, hi)
        chunk.deaths, chunk.losses, chunk.errors = self.deaths, self.losses, self.errors
        chunk.one_at_a_time, chunk.isolated = self.one_at_a_time, self.isolated
        chunk.attempt, chunk.since = self.attempt, self.since
        chunk.position = self.position + lo - self.lo
        return chunk

    def cut(self, start: int, end: int) -> list[Chunk]:
        """Returns what lies before, between and behind two positions, as far as there is any."""
        cuts = [min(max(self.lo + p - self.position, self.lo), self.hi) for p in (start, end)]
        edges = [self.lo, *cuts, self.hi]
        return [self.part(lo, hi) for lo, hi in itertools.pairwise(edges) if lo < hi]

    def split(self) -> list[Chunk]:
        """Returns chunks of equal length, about as many as each has calls.

        So a guilty call is found in a few deaths, and few copies of the arguments travel.
        """
        step = math.isqrt(self.hi - self.lo)
        starts = range(self.lo, self.hi, step)
        return [self.part(lo, min(lo + step, self.hi)) for lo in starts]


class WorkerRecord:
    """What the ledger knows of one worker.

    Attributes:
        address: Its routing id.
        failure_group: Those who end together: the routing id of their supervisor.
        kind: Which jobs it may run.
        outstanding: Its chunks, in the order in which it runs them.
        position: The position that the next call handed to it will have.
        load: Seconds of work that it has, by estimate.
        block: Number of the latest message with work for it.
        ends: The position behind each such message that it has not finished.
        ran: Calls that it has answered.
        heard: When it last spoke, or was given work.
        deadline: When its queue job will be ended.
        alone: Whether the others of its failure_group are kept from work by what it runs.
        recalling: Whether its unbegun work is being taken back.
        leaving: Whether it has been told to end.
    """

    __slots__ = (
        "address",
        "alone",
        "block",
        "deadline",
        "ends",
        "failure_group",
        "heard",
        "kind",
        "leaving",
        "load",
        "outstanding",
        "position",
        "ran",
        "recalling",
    )

    def __init__(
        self, address: bytes, kind: int, now: float, deadline: float, failure_group: bytes
    ) -> None:
        self.address = address
        self.failure_group = failure_group
        self.kind = kind
        self.outstanding: collections.deque[Chunk] = collections.deque()
        self.position = 0
        self.load = 0.0
        self.block = 0
        self.ends: collections.deque[int] = collections.deque()
        self.ran = 0
        self.heard = now
        self.deadline = deadline
        self.alone = False
        self.recalling = False
        self.leaving = False


class Assignment(NamedTuple):
    """Order: hand these chunks to that worker, in one message."""

    worker: WorkerRecord
    chunks: list[Chunk]


class Verdict(NamedTuple):
    """Order: the call ``index`` of a task has died for good, in this attempt."""

    task: Task
    index: int  # type: ignore[assignment]  # hides tuple's, which nobody needs
    attempt: int
    since: float
