"""What a report is made of, gathered from events as they come."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from ...ledger.events import (
    CallFailed,
    CallsDone,
    CallStalled,
    DispatcherEvent,
    JobOver,
    JobRetried,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    NoticeGiven,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    WorkerJoined,
    WorkerLost,
    WorkersSampled,
)
from ...states import JobState
from ..program_view import without_number
from .records import AnswerTable, FailureFacts, SlowCall, WorkerFacts

#: Of failures, notices and lost workers so many are kept: the first ones, which say what is wrong.
_KEPT = 200

#: How many of the slowest calls are kept.
_SLOWEST = 20


class _Task:
    """What is known of a task that is not over."""

    __slots__ = ("calls", "counted", "first", "function", "items", "worker")

    def __init__(self, function: int, first: int, calls: int, items: Any = None) -> None:
        self.function, self.first, self.calls, self.items = function, first, calls, items
        self.counted = 0
        self.worker: tuple[str, int] = ("", 0)


class RunFacts:
    """What was heard of a run.

    Args:
        began: When it began, in seconds since 1970.
        all_jobs: Whether it is about all jobs that are submitted; otherwise about those that were
            named by `expect`.

    Attributes:
        began: As given.
        now: When the latest event was.
        answers: One for each answer.
        functions: The names of what was called.
        workers: All that there were.
        done: Calls that have an answer.
        failed: Those of them that have failed for good.
        retried: Calls that were tried again, each time counted.
        cancelled: Calls that were taken back.
        cpu: Seconds of processor time that the calls have taken.
        failures: The first ones.
        reasons: Why queue jobs have waited, by their names.
        notices: The first ones, with their times.
        maps: The names of the functions of maps: their calls have numbers.
        remote: Whether workers were in queue jobs of a batch system.
        queue_jobs: How many were submitted.
        wait: Seconds from then to the first that started, None if there was none.
    """

    def __init__(self, began: float, *, all_jobs: bool) -> None:
        self.began = self.now = began
        self.answers = AnswerTable()
        self.functions: list[str] = []
        self.workers: list[WorkerFacts] = []
        self.done = self.failed = self.retried = self.cancelled = 0
        self.cpu = 0.0
        self.failures: list[FailureFacts] = []
        self.reasons: dict[str, str] = {}
        self.notices: list[tuple[float, str]] = []
        self.maps: set[str] = set()
        self.remote = False
        self.queue_jobs = 0
        self.wait: float | None = None
        self._submitted_at = 0.0
        self._functions: dict[str, int] = {}
        self._places: dict[tuple[str, int], int] = {}
        self._tasks: dict[int, _Task] = {}
        self._slowest: list[SlowCall] = []
        self._hear: dict[type, Callable[[Any], object]] = {
            JobsStarted: self._started,
            JobRetried: self._tried_again,
            CallsDone: self._calls_done,
            CallFailed: self._call_failed,
            JobsOver: self._all_over,
            WorkerJoined: self._joined,
            WorkerLost: self._lost,
            WorkersSampled: self._sampled,
            CallStalled: self._stalled,
            QueueJobsSubmitted: self._queue_jobs_submitted,
            QueueJobStarted: self._queue_job_started,
            QueueJobWaiting: self._queue_job_waits,
            NoticeGiven: self._notice,
        }
        if all_jobs:
            self._hear[JobsSubmitted] = self._submitted

    @property
    def slowest(self) -> list[SlowCall]:
        """The slowest calls, the slowest first."""
        return sorted(self._slowest, reverse=True)

    @property
    def not_done(self) -> int:
        """How many calls were submitted and have no answer, because they were taken back, say."""
        return self.cancelled + sum(task.calls - task.counted for task in self._tasks.values())

    def expect(self, task: int, name: str, first: int, calls: int, items: Any) -> None:
        """Has a task counted; to be called before it is submitted.

        Args:
            task: Its number.
            name: What it is called.
            first: Number of its first call within the map.
            calls: How many it has.
            items: What it is called with, None if that is not to be kept.
        """
        self.maps.add(name)
        self._tasks[task] = _Task(self._function(name), first, calls, items)

    def note(self, when: float, event: DispatcherEvent) -> None:
        """Takes in what has happened, and when, in seconds since 1970."""
        self.now = when
        hear = self._hear.get(type(event))
        if hear is not None:
            hear(event)

    # ------------------------------------------------------------------ calls

    def _submitted(self, event: JobsSubmitted) -> None:
        for job in event.jobs:
            if job.calls > 1 or job.first:
                self.maps.add(job.name)
            self._tasks[job.task] = _Task(self._function(job.name), job.first, job.calls)

    def _function(self, name: str) -> int:
        function = self._functions.get(name)
        if function is None:
            function = self._number_of(without_number(name))
            if len(self._functions) < _KEPT:
                # Jobs have names of their own each.
                self._functions[name] = function
        return function

    def _number_of(self, name: str) -> int:
        function = self._functions.get(name)
        if function is None:
            self._functions[name] = function = len(self.functions)
            self.functions.append(name)
        return function

    def _started(self, event: JobsStarted) -> None:
        worker = event.host, event.pid
        for job in event.jobs:
            task = self._tasks.get(job.task)
            if task is not None:
                task.worker = worker

    def _tried_again(self, event: JobRetried) -> None:
        if event.begun and event.task in self._tasks:
            self.retried += event.hi - event.lo

    def _calls_done(self, event: CallsDone) -> None:
        task = self._tasks.get(event.task)
        if task is None:
            return
        calls = event.hi - event.lo
        task.counted += calls
        self.done += calls
        self.failed += event.failures
        if event.pid:
            worker = event.host, event.pid
            self._answer(
                task, event.name, event.lo, calls, event.wall, event.peak_memory, worker
            )  # fmt: skip

    def _call_failed(self, event: CallFailed) -> None:
        task = self._tasks.get(event.task)
        if task is not None and len(self.failures) < _KEPT:
            call = task.first if event.call < 0 else event.call
            where = event.name, call, event.host
            self.failures.append(FailureFacts(self.now, *where, event.failure))

    def _all_over(self, event: JobsOver) -> None:
        for job in event.jobs:
            task = self._tasks.pop(job.task, None)
            if task is not None:
                self._over(job, task)

    def _over(self, job: JobOver, task: _Task) -> None:
        self.cpu += job.cpu
        left = job.calls - task.counted
        if job.state is JobState.CANCELLED:
            self.cancelled += left
            return
        if job.calls > 1 and (job.state is JobState.FINISHED or job.failures):
            # Each of its calls was told by itself.
            return
        self.done += left
        self.failed += left if job.state is not JobState.FINISHED else 0
        if job.calls == 1 and task.worker[1] and (job.wall or job.state is JobState.FINISHED):
            self._answer(task, job.name, 0, 1, job.wall, job.peak_memory, task.worker)

    def _answer(
        self, task: _Task, name: str, lo: int, calls: int, wall: float, peak: int,
        worker: tuple[str, int],
    ) -> None:  # fmt: skip
        place = self._places.get(worker)
        if place is None:
            # Inline, say.
            place = self._new_worker(WorkerFacts(*worker, max(self.began, self.now - wall)))
        answers = self.answers
        answers.ends.append(self.now)
        answers.walls.append(wall)
        answers.calls.append(calls)
        answers.workers.append(place)
        answers.functions.append(task.function)
        answers.peaks.append(max(peak, self.workers[place].peak))
        seconds = wall / calls
        slowest = self._slowest
        if len(slowest) < _SLOWEST or seconds > slowest[0].seconds:
            items = None if task.items is None else task.items[lo : lo + 1]
            host = worker[0]
            slow = SlowCall(seconds, -len(answers), name, task.first + lo, calls, host, items)
            if len(slowest) < _SLOWEST:
                heapq.heappush(slowest, slow)
            else:
                heapq.heapreplace(slowest, slow)

    # ------------------------------------------------------------------ workers, queue jobs

    def _new_worker(self, worker: WorkerFacts) -> int:
        number = self._places[worker.host, worker.pid] = len(self.workers)
        self.workers.append(worker)
        return number

    def _joined(self, event: WorkerJoined) -> None:
        worker = WorkerFacts(event.host, event.pid, self.now)
        worker.memory_limit, worker.time_limit = event.memory_limit, event.time_left
        self._new_worker(worker)
        self.remote = self.remote or bool(event.queue_job)

    def _lost(self, event: WorkerLost) -> None:
        number = self._places.get((event.host, event.pid))
        if number is None:
            return
        worker = self.workers[number]
        worker.left = self.now
        worker.cause = "" if event.cause is None else event.cause.value

    def _sampled(self, event: WorkersSampled) -> None:
        for sample in event.samples:
            place = self._places.get((sample.host, sample.pid))
            if place is not None:
                worker = self.workers[place]
                worker.peak = max(worker.peak, sample.peak)

    def _stalled(self, event: CallStalled) -> None:
        if event.task in self._tasks and len(self.notices) < _KEPT:
            where = f"{event.name}, call {event.call}" if event.call >= 0 else event.name
            text = f"{where} on {event.host} has done nothing for {event.seconds:.0f} s"
            self.notices.append((self.now, text))

    def _queue_jobs_submitted(self, event: QueueJobsSubmitted) -> None:
        self._submitted_at = self._submitted_at or self.now
        self.queue_jobs += len(event.queue_jobs)

    def _queue_job_started(self, event: QueueJobStarted) -> None:
        if self.wait is None and self._submitted_at:
            self.wait = self.now - self._submitted_at

    def _queue_job_waits(self, event: QueueJobWaiting) -> None:
        if len(self.reasons) < _KEPT:
            self.reasons[event.queue_job] = event.reason

    def _notice(self, event: NoticeGiven) -> None:
        if len(self.notices) < _KEPT:
            self.notices.append((self.now, event.text))
