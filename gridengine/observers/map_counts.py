"""How far one map is: counted by what its dispatcher tells, and said in a line of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..ledger.events import (
    CallsDone,
    DispatcherEvent,
    JobOver,
    JobRetried,
    JobsOver,
    JobsStarted,
    QueueJobOver,
    QueueJobsDelayed,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    WorkerJoined,
    WorkerLost,
)
from ..ledger.task import Task
from ..logs import printable
from ..states import JobState

#: Letters of the batch system's reason that are shown: the log has all of it.
_REASON = 120


class _Counted:
    """What is known of a task that is not over.

    Attributes:
        calls: How many of its calls are counted already.
        places: Which worker has what begins at which of its calls.
    """

    __slots__ = ("calls", "places")

    def __init__(self) -> None:
        self.calls = 0
        self.places: dict[int, tuple[str, int]] = {}


class MapCounts:
    """An observer that counts the calls of one map, and the workers that there are.

    The dispatcher's thread writes, any other may read.

    Attributes:
        done: Calls that have a value, or have failed for good.
        failed: Those of them that have failed.
        retried: Calls that were tried again, each time counted.
    """

    def __init__(self) -> None:
        self.done = self.failed = self.retried = 0
        self._tasks: dict[int, _Counted] = {}
        # How much each worker has that begins at some call of these, and how many have any.
        self._busy: dict[tuple[str, int], int] = {}
        self._running = 0
        self._workers: set[bytes] = set()
        # Queue jobs that have not started, and the reason as far as it is known.
        self._waiting: dict[str, str] = {}
        # Why further ones are not taken, empty if that is not so.
        self._delayed = ""
        self._hear: dict[type, Callable[[Any], object]] = {
            JobsStarted: self._started,
            JobRetried: self._tried_again,
            CallsDone: self._calls_done,
            JobsOver: self._all_over,
            WorkerJoined: lambda event: self._workers.add(event.address),
            WorkerLost: self._lost,
            QueueJobsDelayed: self._delay,
            QueueJobsSubmitted: self._submitted,
            QueueJobStarted: lambda event: self._waiting.pop(event.queue_job, None),
            QueueJobWaiting: self._waits,
            QueueJobOver: lambda event: self._waiting.pop(event.queue_job, None),
        }

    @property
    def workers(self) -> int:
        """How many workers there are, be they busy with other maps and jobs of the scheduler."""
        return len(self._workers)

    @property
    def running(self) -> int:
        """How many workers have calls of this map."""
        return self._running

    @property
    def queued(self) -> int:
        """How many queue jobs have not started."""
        return len(self._waiting)

    @property
    def waiting(self) -> str:
        """How many queue jobs wait, and for what; empty if none does."""
        waiting = list(self._waiting.values())
        if not waiting:
            return f"not submitted yet ({_short(self._delayed)})" if self._delayed else ""
        text = "1 queue job waits" if len(waiting) == 1 else f"{len(waiting)} queue jobs wait"
        reason = next(filter(None, waiting), "")
        return f"{text} ({_short(reason)})" if reason else text

    def expect(self, tasks: Iterable[Task]) -> None:
        """Has tasks counted; to be called before they are submitted."""
        for task in tasks:
            if task.over:
                # Its values were there already.
                self.done += task.size
            else:
                self._tasks[task.id] = _Counted()

    def __call__(self, event: DispatcherEvent) -> None:
        """Takes in what has happened."""
        hear = self._hear.get(type(event))
        if hear is not None:
            hear(event)

    # ------------------------------------------------------------------ calls

    def _started(self, event: JobsStarted) -> None:
        worker = event.host, event.pid
        for job in event.jobs:
            task = self._tasks.get(job.task)
            if task is None:
                continue
            if (before := task.places.get(job.lo)) is not None:
                self._leave(before)
            task.places[job.lo] = worker
            has = self._busy.get(worker, 0)
            self._busy[worker] = has + 1
            if not has:
                self._running += 1

    def _leave(self, worker: tuple[str, int]) -> None:
        self._busy[worker] = has = self._busy[worker] - 1
        if not has:
            self._running -= 1

    def _tried_again(self, event: JobRetried) -> None:
        task = self._tasks.get(event.task)
        if task is None:
            return
        self.retried += event.hi - event.lo if event.begun else 0
        for lo in [lo for lo in task.places if event.lo <= lo < event.hi]:
            self._leave(task.places.pop(lo))

    def _calls_done(self, event: CallsDone) -> None:
        task = self._tasks.get(event.task)
        if task is not None:
            calls = event.hi - event.lo
            task.calls += calls
            self.done += calls
            self.failed += event.failures

    def _all_over(self, event: JobsOver) -> None:
        for job in event.jobs:
            self._over(job)

    def _over(self, event: JobOver) -> None:
        task = self._tasks.pop(event.task, None)
        if task is None:
            return
        for worker in task.places.values():
            self._leave(worker)
        left = event.calls - task.calls
        if event.state is JobState.CANCELLED:
            return
        if event.calls == 1 or event.state is JobState.FINISHED:
            self.done += left
            self.failed += left if event.state is not JobState.FINISHED else 0
        elif not event.failures:
            # All of it has failed at once: no worker can be had, say.
            self.done += left
            self.failed += left

    # ------------------------------------------------------------------ workers, queue jobs

    def _lost(self, event: WorkerLost) -> None:
        self._workers.discard(event.address)
        worker = event.host, event.pid
        if self._busy.get(worker):
            for task in list(self._tasks.values()):
                for lo in [lo for lo, place in task.places.items() if place == worker]:
                    self._leave(task.places.pop(lo))
        self._busy.pop(worker, None)

    def _delay(self, event: QueueJobsDelayed) -> None:
        self._delayed = event.reason

    def _submitted(self, event: QueueJobsSubmitted) -> None:
        self._delayed = ""
        for name in event.queue_jobs:
            self._waiting.setdefault(name, "")

    def _waits(self, event: QueueJobWaiting) -> None:
        if event.queue_job in self._waiting:
            self._waiting[event.queue_job] = event.reason


class Estimate:
    """When a map will be done, by the time that its calls have taken of the workers there are.

    Args:
        counts: Of the map.
        total: How many calls it has, below 0 if that is not known.
        now: When it began, on the monotonic clock.
    """

    def __init__(self, counts: MapCounts, total: int, now: float) -> None:
        self._counts = counts
        self._total = total
        self._begin = 0.0
        self._looked = now
        self._busy_seconds = 0.0

    def look(self, now: float) -> None:
        """Notes that the workers that are busy now have been so since the last look."""
        running = self._counts.running
        if not self._begin and (running or self._counts.done):
            self._begin = self._looked
        self._busy_seconds += running * (now - self._looked)
        self._looked = now

    @property
    def rate(self) -> float:
        """Calls in a second, since the first worker had one; 0 if that is not known."""
        seconds = self._looked - self._begin
        return self._counts.done / seconds if self._begin and seconds > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until all calls are done, None if that is not known."""
        counts = self._counts
        left = self._total - counts.done
        if not counts.done or left < 0:
            return None
        if not self._busy_seconds:
            # All that was done was so between two looks.
            return left / self.rate if self.rate else None
        running = counts.running
        # As a rule, what runs is half done.
        per_call = self._busy_seconds / (counts.done + running / 2)
        at_once = max(1, min(running or counts.workers, left))
        return per_call * max(left - running / 2, left / 2) / at_once


def line(counts: MapCounts, estimate: Estimate, *, remote: bool, over: bool) -> str:
    """Returns what is said of a map, beside how many of its calls are done.

    Args:
        counts: Of the map.
        estimate: When it will be done.
        remote: Whether its workers are queue jobs.
        over: Whether it is.
    """
    parts: list[str] = []
    rate = estimate.rate
    if over:
        parts += [_per_second(rate)] if rate else []
    elif not counts.workers and not counts.running and remote:
        parts.append(": ".join(filter(None, ["waiting for workers", counts.waiting])))
    else:
        left = estimate.left
        parts += [f"{clock(left)} left"] if left is not None else []
        parts += [_per_second(rate)] if rate else []
        parts.append(f"{counts.running} running")
        if counts.workers > counts.running:
            parts.append("1 worker" if counts.workers == 1 else f"{counts.workers} workers")
    parts += [f"{counts.failed:,} failed"] if counts.failed else []
    parts += [f"{counts.retried:,} tried again"] if counts.retried else []
    if remote and counts.queued and counts.workers and not over:
        parts.append(f"{counts.queued:,} queued")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """Returns a duration as ``mm:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _per_second(rate: float) -> str:
    if rate < 1:
        return f"{1 / rate:.1f} s/call"
    return f"{rate:,.0f} calls/s" if rate >= 100 else f"{rate:.1f} calls/s"


def _short(reason: str) -> str:
    text = printable(" ".join(reason.split()))
    return text if len(text) <= _REASON else f"{text[: _REASON - 1]}…"
