"""What is kept of a run until a mail is written: counts, some failures, and what it has used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...errors import Death
from ...ledger.events import (
    CallFailed,
    CallsDone,
    DispatcherEvent,
    JobOver,
    JobRetried,
    JobsOver,
    WorkerJoined,
    WorkerLost,
    WorkersSampled,
)
from ...ledger.task import Task
from ...serialization.exceptions import summary_of
from ...states import JobState
from ..encoding import failure_text
from ..program_view import without_number
from .usage_series import UsageSeries

#: Failures of one kind that are kept as text, the first ones.
_TEXTS = 3

#: Kinds of failures that are told apart; those of others are counted.
_KINDS = 30

#: Names of jobs and maps whose calls are counted apart.
_NAMES = 100


class FailedCall(NamedTuple):
    """A call that has failed for good.

    Attributes:
        when: In seconds since 1970.
        call: Number of the call within its map, -1 if it is a job by itself.
        name: What its job is called.
        host: Where it ran, empty if it had no worker.
        text: Its certificate, or its traceback.
    """

    when: float
    call: int
    name: str
    host: str
    text: str


class FailureKind:
    """Failures that have the same function and the same reason.

    Attributes:
        name: What their jobs are called, without numbers.
        reason: The type of the exception, or what has killed the worker.
        count: How many there are.
        told: How many of them are in mails already.
        first: The first ones.
    """

    __slots__ = ("count", "first", "name", "reason", "told")

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        self.count = self.told = 0
        self.first: list[FailedCall] = []


class CallCounts:
    """The calls of one name.

    Attributes:
        name: What their jobs are called, without numbers.
        done: How many have an answer.
        failed: How many of those have failed.
        wall: Seconds that they have taken, all together.
        peak_memory: Of a worker that ran some of them, in bytes.
    """

    __slots__ = ("done", "failed", "name", "peak_memory", "wall")

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = self.failed = self.peak_memory = 0
        self.wall = 0.0

    def add(self, done: int, failed: int, wall: float, peak_memory: int) -> None:
        """Counts some more."""
        self.done += done
        self.failed += failed
        self.wall += wall
        self.peak_memory = max(self.peak_memory, peak_memory)


class Tally:
    """An observer that counts; its size has a bound, however much happens.

    Any thread may tell it something, and look at it who has its lock.

    Args:
        only_expected: Whether only tasks count that were named to `expect`.
        on_failure: Called for each failure, with the lock.

    Attributes:
        lock: To be held by who looks.
        began: When it began to count, in seconds since 1970.
        cancelled: Calls that were taken back.
        retried: Calls that were tried again, each time counted.
        lost: Workers that died.
        counts: By the name without number; one empty name has all that are too many.
        kinds: Failures by name and reason.
        usage: What all workers of the scheduler have used.
    """

    def __init__(
        self, *, only_expected: bool = False, on_failure: Callable[[], object] | None = None
    ) -> None:
        self.lock = threading.Lock()
        self.began = time.time()
        self.cancelled = self.retried = self.lost = 0
        self.counts: dict[str, CallCounts] = {}
        self.kinds: dict[tuple[str, str], FailureKind] = {}
        self.usage = UsageSeries()
        self._expected: set[int] | None = set() if only_expected else None
        self._on_failure = on_failure
        # Of the tasks with several calls that are not over: how many of those are counted.
        self._counted: dict[int, int] = {}
        self._hear: dict[type, Callable[[Any], object]] = {
            CallsDone: self._calls_done,
            CallFailed: self._call_failed,
            JobsOver: self._over,
            JobRetried: self._tried_again,
            WorkerJoined: lambda event: self.usage.expect(event.address),
            WorkerLost: self._worker_lost,
            WorkersSampled: lambda event: self.usage.add(time.time(), event.samples),
        }

    def expect(self, tasks: Iterable[Task]) -> None:
        """Has tasks count; to be called before they are submitted."""
        if self._expected is not None:
            with self.lock:
                self._expected.update([task.id for task in tasks])

    def __call__(self, event: DispatcherEvent) -> None:
        """Takes in what has happened."""
        hear = self._hear.get(type(event))
        if hear is not None:
            with self.lock:
                hear(event)

    @property
    def took(self) -> float:
        """Seconds since it has begun to count."""
        return time.time() - self.began

    @property
    def done(self) -> int:
        """Calls that have an answer."""
        return sum(counts.done for counts in self.counts.values())

    @property
    def failed(self) -> int:
        """Those of them that have failed for good."""
        return sum(counts.failed for counts in self.counts.values())

    def _is_ours(self, task: int) -> bool:
        return self._expected is None or task in self._expected

    def _of(self, name: str) -> CallCounts:
        name = without_number(name)
        counts = self.counts.get(name)
        if counts is None:
            if len(self.counts) >= _NAMES:
                name = ""
            counts = self.counts.setdefault(name, CallCounts(name))
        return counts

    def _calls_done(self, event: CallsDone) -> None:
        if self._is_ours(event.task):
            calls = event.hi - event.lo
            self._counted[event.task] = self._counted.get(event.task, 0) + calls
            self._of(event.name).add(calls, event.failures, event.wall, event.peak_memory)

    def _over(self, event: JobsOver) -> None:
        for job in event.jobs:
            if self._is_ours(job.task):
                self._count(job, self._counted.pop(job.task, 0))
                if self._expected is not None:
                    self._expected.discard(job.task)

    def _count(self, job: JobOver, counted: int) -> None:
        left = job.calls - counted
        if job.state is JobState.CANCELLED:
            self.cancelled += left
        elif left:
            failed = left if job.state is JobState.FAILED else 0
            wall = 0.0 if counted else job.wall
            self._of(job.name).add(left, failed, wall, job.peak_memory)

    def _tried_again(self, event: JobRetried) -> None:
        if self._is_ours(event.task):
            self.retried += event.hi - event.lo

    def _call_failed(self, event: CallFailed) -> None:
        if not self._is_ours(event.task):
            return
        key = without_number(event.name), _reason(event.failure)
        kind = self.kinds.get(key)
        if kind is None:
            if len(self.kinds) >= _KINDS:
                key = "", "other reasons"
            kind = self.kinds.setdefault(key, FailureKind(*key))
        kind.count += 1
        if len(kind.first) < _TEXTS:
            text = failure_text(event.failure)
            kind.first.append(FailedCall(time.time(), event.call, event.name, event.host, text))
        if self._on_failure is not None:
            self._on_failure()

    def _worker_lost(self, event: WorkerLost) -> None:
        self.usage.forget(event.address)
        self.lost += event.cause is not None


def _reason(failure: object) -> str:
    """Returns what failures of one kind have in common."""
    if isinstance(failure, bytes):
        # It may be long, and have numbers: only the type of the exception.
        return summary_of(failure).partition(":")[0][:200].removeprefix("builtins.")
    if isinstance(failure, Death):
        return f"died: {failure.cause.value}"
    return type(failure).__name__
