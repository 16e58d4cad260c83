"""What each worker did when, and which calls took longest, from a program's events alone.

A program may do ten thousand calls in a second: neighbours of one name on one worker become one
rectangle, and only the last rectangles are kept.
"""

from __future__ import annotations

import collections
import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..ledger.events import (
    CallsDone,
    JobOver,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    WorkerJoined,
    WorkerLost,
)
from ..states import JobState
from .encoding import TimedEvent
from .program_view import without_number

#: Rectangles that are kept: the last ones.
KEPT = 5000

#: Calls that are kept: those that took longest.
_SLOWEST = 50

#: Seconds: what is shorter is drawn together with its neighbour, if there is less than that
#: between them, until both are longer than this.
_SHORT, _GAP, _LONGEST = 0.1, 0.05, 1.0

#: Seconds after which a rectangle is told, though a neighbour of it may come.
_SETTLED = 1.0

#: Rows of the drawing: workers beyond them share the last ones.
_ROWS = 1000


class Rectangle(NamedTuple):
    """Calls that a worker did one after the other.

    Attributes:
        row: A number of the worker's own, as long as it lives; then of another one's.
        host: Where it is.
        pid: Its process id there.
        name: What the calls are called, without their numbers.
        begin: When the first began, in seconds since 1970.
        end: When the last ended.
        calls: How many they are.
        failed: How many of them have failed.
        died: Whether the worker died of them, or beside them.
    """

    row: int
    host: str
    pid: int
    name: str
    begin: float
    end: float
    calls: int
    failed: int
    died: bool


class LongCall(NamedTuple):
    """A call, or some neighbours of which only the mean is known.

    Attributes:
        wall: Seconds that each took.
        name: What its job or map is called.
        call: Number of the first within its map, -1 if it is a job by itself.
        calls: How many they are.
        host: Where it ran, empty if that is not known.
        when: When it ended, in seconds since 1970.
        failed: Whether it failed, or one of them did.
    """

    wall: float
    name: str
    call: int
    calls: int
    host: str
    when: float
    failed: bool


class WorkerPlace(NamedTuple):
    """Where a worker is: its host, and its process id there."""

    host: str
    pid: int


class TaskStream:
    """What the workers of one program did.

    Attributes:
        told: How many rectangles there were so far, those included that are kept no more.
        workers: Who has each row, or had it last.
    """

    def __init__(self) -> None:
        self.told = 0
        self.workers: list[WorkerPlace] = []
        self._kept: collections.deque[Rectangle] = collections.deque(maxlen=KEPT)
        # The last of each worker, which may grow; in the order of their ends, about.
        self._open: dict[WorkerPlace, Rectangle] = {}
        self._rows: dict[WorkerPlace, int] = {}
        self._free: list[int] = []
        # Of jobs that are not over: the number of their first call, and where each is.
        self._first: dict[int, int] = {}
        self._places: dict[int, WorkerPlace] = {}
        # Those of them of which some calls were told by themselves.
        self._told_by_parts: set[int] = set()
        self._slowest: list[tuple[float, int, LongCall]] = []
        # What a call has to take more than to be among them.
        self._fastest = -1.0
        self._number = itertools.count()
        self._hear: dict[type, Callable[[float, Any], object]] = {
            JobsSubmitted: self._submitted,
            JobsStarted: self._started,
            CallsDone: self._calls_done,
            JobsOver: self._over,
            WorkerJoined: self._joined,
            WorkerLost: self._lost,
        }

    def hear(self, timed: Iterable[TimedEvent]) -> None:
        """Takes in what has happened."""
        when = 0.0
        for when, event in timed:
            hear = self._hear.get(type(event))
            if hear is not None:
                hear(when, event)
        self.settle(when - _SETTLED)

    def settle(self, before: float = float("inf")) -> None:
        """Takes those rectangles for complete that have not grown since then."""
        for worker, last in list(self._open.items()):
            if last.end <= before:
                del self._open[worker]
                self._keep(last)

    def since(self, told: int) -> list[Rectangle]:
        """Returns those that came after so many, as far as they are kept."""
        new = min(self.told - told, len(self._kept))
        return list(itertools.islice(self._kept, len(self._kept) - new, None))

    @property
    def slowest(self) -> list[LongCall]:
        """The calls that took longest, the longest first."""
        return [call for _, _, call in sorted(self._slowest, reverse=True)]

    # ------------------------------------------------------------------ events

    def _submitted(self, when: float, event: JobsSubmitted) -> None:
        for job in event.jobs:
            self._first[job.task] = job.first

    def _started(self, when: float, event: JobsStarted) -> None:
        place = WorkerPlace(event.host, event.pid)
        for job in event.jobs:
            self._places[job.task] = place

    def _calls_done(self, when: float, event: CallsDone) -> None:
        calls = event.hi - event.lo
        self._told_by_parts.add(event.task)
        first = self._first.get(event.task, 0) + event.lo
        if event.pid:
            place = WorkerPlace(event.host, event.pid)
            self._add(place, event.name, when, event.wall, calls, event.failures)
        each = event.wall / max(1, calls)
        if each > self._fastest:
            self._rank(
                LongCall(each, event.name, first, calls, event.host, when, event.failures > 0)
            )

    def _over(self, when: float, event: JobsOver) -> None:
        for job in event.jobs:
            place = self._places.pop(job.task, None)
            first = self._first.pop(job.task, 0)
            if job.task in self._told_by_parts:
                self._told_by_parts.discard(job.task)
            elif job.state is not JobState.CANCELLED:
                self._job_over(when, job, place, first)

    def _job_over(self, when: float, job: JobOver, place: WorkerPlace | None, first: int) -> None:
        failed = job.state is not JobState.FINISHED
        if place is not None:
            self._add(place, job.name, when, job.wall, job.calls, job.calls * failed)
        each = job.wall / max(1, job.calls)
        if each > self._fastest:
            call = -1 if without_number(job.name) != job.name else first
            host = place.host if place else ""
            self._rank(LongCall(each, job.name, call, job.calls, host, when, failed))

    def _joined(self, when: float, event: WorkerJoined) -> None:
        worker = WorkerPlace(event.host, event.pid)
        if worker not in self._rows:
            row = heapq.heappop(self._free) if self._free else min(len(self.workers), _ROWS - 1)
            self._rows[worker] = row
            self.workers[row : row + 1] = [worker]

    def _lost(self, when: float, event: WorkerLost) -> None:
        worker = WorkerPlace(event.host, event.pid)
        last = self._open.pop(worker, None)
        if last is not None:
            self._keep(last)
        row = self._rows.pop(worker, None)
        if row is None:
            return
        if event.cause is not None:
            begin = min(last.end if last else when, when - _SHORT)
            name = f"died: {event.cause.name.lower().replace('_', ' ')}"
            calls = event.calls
            self._keep(Rectangle(row, *worker, name, begin, when, calls, calls, True))
        if row < _ROWS - 1:
            heapq.heappush(self._free, row)

    # ------------------------------------------------------------------ rectangles

    def _add(
        self, place: WorkerPlace, name: str, when: float, wall: float, calls: int, failed: int
    ) -> None:
        row = self._rows.get(place)
        if row is None:
            # It has died, and what it had is told after that.
            return
        name = without_number(name)
        last = self._open.get(place)
        begin = when - wall
        if last is not None:
            # What was told late looks as if it had begun before the other ended.
            begin = min(max(begin, last.end), when)
            if _belong_together(last, name, begin, when, failed):
                # All fields by place: of ten thousand in a second, `_replace` is half the cost.
                self._open[place] = Rectangle(
                    row, *place, name, last.begin, when,
                    last.calls + calls, last.failed + failed, False,
                )  # fmt: skip
                return
            self._keep(last)
        self._open[place] = Rectangle(row, *place, name, begin, when, calls, failed, False)

    def _keep(self, rectangle: Rectangle) -> None:
        self._kept.append(rectangle)
        self.told += 1

    def _rank(self, slow: LongCall) -> None:
        entry = slow.wall, next(self._number), slow
        if len(self._slowest) < _SLOWEST:
            heapq.heappush(self._slowest, entry)
        else:
            heapq.heapreplace(self._slowest, entry)
            self._fastest = self._slowest[0][0]


def _belong_together(last: Rectangle, name: str, begin: float, end: float, failed: int) -> bool:
    return (
        last.name == name
        and bool(last.failed) == bool(failed)
        and begin - last.end < _GAP
        and (end - begin < _SHORT or last.end - last.begin < _SHORT)
        and end - last.begin < _LONGEST
    )
