"""What is shown of a program, from its events alone: of one that runs, or of a log of one.

No clock, socket or thread is in here: who has the events gives their times too.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..ledger.events import (
    CallFailed,
    CallsDone,
    CountsSoFar,
    JobOver,
    JobRetried,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    NoticeGiven,
    QueueJobOver,
    QueueJobsDelayed,
    QueueJobsSubmitted,
    QueueJobStarted,
    QueueJobWaiting,
    StateShown,
    WorkerJoined,
    WorkerLost,
    WorkersSampled,
)
from ..schedulers.overview import Overview
from ..states import JobState
from .encoding import TimedEvent
from .view_records import Failure, JobCounts, QueueJobView, Running, WorkerView

#: Failures, notices and lost workers that are kept: the last ones.
_KEPT = 200

#: Seconds over which a rate is taken.
_RATE_SECONDS = 30.0

#: Answers for each worker that make a rate, in however short a time.
_MANY = 20


class ProgramView:
    """What is known of a program.

    Attributes:
        done: Calls that have an answer.
        failed: Those of them that have failed for good.
        retried: Calls that were tried again, each time counted.
        now: When the latest event was, in seconds since 1970.
        state: How all stood a moment ago, None as long as nobody has said.
        workers: Those that there are, by address.
        queue_jobs: Those that are not over, by name.
        jobs: By the name without number.
        failures: The last ones.
        lost: Workers that died, the last ones, with the time.
        notices: The last ones, with their times.
    """

    def __init__(self) -> None:
        self.done = self.failed = self.retried = 0
        self.now = 0.0
        self.state: Overview | None = None
        self.workers: dict[bytes, WorkerView] = {}
        self.queue_jobs: dict[str, QueueJobView] = {}
        self._delayed = ""
        self.jobs: dict[str, JobCounts] = {}
        self.failures: collections.deque[Failure] = collections.deque(maxlen=_KEPT)
        self.lost: collections.deque[tuple[float, WorkerLost]] = collections.deque(maxlen=_KEPT)
        self.notices: collections.deque[tuple[float, str]] = collections.deque(maxlen=_KEPT)
        # Of the jobs that are not over: how many of its calls are counted.
        self._counted: dict[int, int] = {}
        self._workers: dict[tuple[str, int], WorkerView] = {}
        # Where calls of each job are: workers, and their keys in `WorkerView.running`.
        self._places: dict[int, list[tuple[WorkerView, tuple[int, int]]]] = {}
        # When how many were done, for the rate.
        self._history: collections.deque[tuple[float, int]] = collections.deque()
        # How many were done when `state` was told.
        self._done_then = 0
        self._hear: dict[type, Callable[[Any], object]] = {
            CountsSoFar: self._found,
            JobsSubmitted: self._submitted,
            JobsStarted: self._started,
            JobRetried: self._tried_again,
            CallsDone: self._calls_done,
            CallFailed: self._call_failed,
            JobsOver: self._over,
            WorkerJoined: self._joined,
            WorkerLost: self._lost,
            QueueJobsDelayed: self._queue_jobs_delayed,
            QueueJobsSubmitted: self._queue_jobs_submitted,
            QueueJobStarted: self._queue_job_started,
            QueueJobWaiting: self._queue_job_waits,
            QueueJobOver: lambda event: self.queue_jobs.pop(event.queue_job, None),
            NoticeGiven: lambda event: self.notices.append((self.now, event.text)),
            StateShown: self._state_shown,
            WorkersSampled: self._sampled,
        }

    def hear(self, timed: Iterable[TimedEvent]) -> None:
        """Takes in what has happened."""
        for when, event in timed:
            self.now = max(self.now, when)
            hear = self._hear.get(type(event))
            if hear is not None:
                hear(event)
        if not self._history or self.now > self._history[-1][0]:
            self._history.append((self.now, self.done))
            while self.now - self._history[0][0] > _RATE_SECONDS and len(self._history) > 2:
                self._history.popleft()

    # ------------------------------------------------------------------ what is derived

    @property
    def waiting(self) -> int:
        """Calls that wait for a worker, as far as it is known how many there will be."""
        return max(0, self._not_begun)

    @property
    def _not_begun(self) -> int:
        """Calls that waited when the state was told, less those that are done since."""
        if self.state is None:
            return 0
        return self.state.waiting + self.state.to_come - (self.done - self._done_then)

    @property
    def running(self) -> int:
        """Workers that have something to do."""
        return sum(bool(worker.running) for worker in self.workers.values())

    @property
    def given(self) -> int:
        """Calls that workers have, and have not answered."""
        if self.state is not None:
            # What was answered since was given then, or has made place for what waited.
            return max(0, self.state.given + min(0, self._not_begun))
        held = (part for worker in self.workers.values() for part in worker.running.values())
        return sum(part.hi - part.lo for part in held)

    @property
    def rate(self) -> float:
        """Calls in a second, lately; 0 if that is not known."""
        if len(self._history) < 2:
            return self._expected_rate or 0.0
        (begin, before), (end, after) = self._history[0], self._history[-1]
        seen, state = end - begin, self.state
        few = state is not None and after - before < _MANY * state.workers
        if few and seen < _RATE_SECONDS / 3 and self._expected_rate is not None:
            # Who has just come has seen little: a burst, or none.
            return self._expected_rate
        return (after - before) / seen if seen > 0 else 0.0

    @property
    def _expected_rate(self) -> float | None:
        """Calls in a second, by how long they have taken before."""
        state = self.state
        if state is None or not state.work or not state.workers or not state.waiting:
            return None
        return state.waiting / state.work * state.workers

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all that is known is done, by the rate; None if that is not known."""
        left = self.waiting + self.given
        if not left:
            return 0.0
        return left / self.rate if self.rate else None

    @property
    def why_waiting(self) -> str:
        """Why queue jobs wait, or are not taken, as far as that is known; empty if none does."""
        reasons = (job.reason for job in self.queue_jobs.values() if not job.host)
        return next(filter(None, reasons), self._delayed)

    # ------------------------------------------------------------------ jobs

    def _found(self, event: CountsSoFar) -> None:
        self.done, self.failed, self.retried = event.done, event.failed, event.retried
        self._done_then = self.done

    def _of(self, name: str) -> JobCounts:
        name = without_number(name)
        counts = self.jobs.get(name)
        if counts is None:
            counts = self.jobs[name] = JobCounts(name)
        return counts

    def _submitted(self, event: JobsSubmitted) -> None:
        for job in event.jobs:
            self._of(job.name).submitted += job.calls
            self._counted[job.task] = 0

    def _started(self, event: JobsStarted) -> None:
        worker = self._workers.get((event.host, event.pid))
        if worker is None:
            return
        for job in event.jobs:
            key = job.task, job.lo
            worker.running[key] = Running(*job, self.now)
            places = self._places.get(job.task)
            if places is None:
                self._places[job.task] = [(worker, key)]
            elif (worker, key) not in places:
                places.append((worker, key))

    def _tried_again(self, event: JobRetried) -> None:
        self.retried += event.hi - event.lo if event.begun else 0
        places = self._places.get(event.task, [])
        for worker, key in list(places):
            part = worker.running[key]
            if part.lo >= event.hi or part.hi <= event.lo:
                continue
            if part.lo < event.lo:
                worker.running[key] = part._replace(hi=event.lo)
            else:
                del worker.running[key]
                places.remove((worker, key))

    def _calls_done(self, event: CallsDone) -> None:
        calls = event.hi - event.lo
        self.done += calls
        self.failed += event.failures
        self._counted[event.task] = self._counted.get(event.task, 0) + calls
        counts = self._of(event.name)
        counts.done += calls
        counts.failed += event.failures
        counts.wall += event.wall
        counts.peak_memory = max(counts.peak_memory, event.peak_memory)
        worker = self._workers.get((event.host, event.pid))
        if worker is not None:
            self._shorten(worker, event)

    def _shorten(self, worker: WorkerView, event: CallsDone) -> None:
        places = self._places.get(event.task, [])
        for place, key in places:
            part = worker.running[key] if place is worker else None
            if part is None or not part.lo <= event.lo < part.hi:
                continue
            if event.hi < part.hi:
                # In the place of the old one: it is the next thing still.
                worker.running[key] = part._replace(lo=event.hi, since=self.now)
            else:
                del worker.running[key]
                places.remove((worker, key))
            return

    def _call_failed(self, event: CallFailed) -> None:
        failure = Failure(self.now, event.name, event.call, event.host, str(event.failure))
        self.failures.append(failure)

    def _over(self, event: JobsOver) -> None:
        for job in event.jobs:
            counted = self._counted.pop(job.task, 0)
            for worker, key in self._places.pop(job.task, ()):
                del worker.running[key]
            if job.state is not JobState.CANCELLED:
                self._count(job, counted)

    def _count(self, job: JobOver, counted: int) -> None:
        left = job.calls - counted
        single = job.calls == 1 and not counted
        if not single and (job.state is JobState.FINISHED or job.failures):
            # Each of its calls was told by itself.
            return
        failed = left if job.state is not JobState.FINISHED else 0
        self.done += left
        self.failed += failed
        counts = self._of(job.name)
        counts.done += left
        counts.failed += failed
        counts.wall += job.wall
        counts.peak_memory = max(counts.peak_memory, job.peak_memory)

    # ------------------------------------------------------------------ workers, queue jobs

    def _joined(self, event: WorkerJoined) -> None:
        worker = WorkerView(event, self.now)
        self.workers[event.address] = self._workers[event.host, event.pid] = worker

    def _lost(self, event: WorkerLost) -> None:
        worker = self.workers.pop(event.address, None)
        self._workers.pop((event.host, event.pid), None)
        for key in worker.running if worker is not None else ():
            places = self._places.get(key[0], [])
            places[:] = [place for place in places if place[0] is not worker]
        if event.cause is not None:
            self.lost.append((self.now, event))

    def _queue_jobs_delayed(self, event: QueueJobsDelayed) -> None:
        self._delayed = event.reason

    def _queue_jobs_submitted(self, event: QueueJobsSubmitted) -> None:
        self._delayed = ""
        for name in event.queue_jobs:
            self.queue_jobs.setdefault(name, QueueJobView(name, self.now))

    def _queue_job_started(self, event: QueueJobStarted) -> None:
        job = self.queue_jobs.setdefault(event.queue_job, QueueJobView(event.queue_job, self.now))
        job.host, job.reason = event.host, ""

    def _queue_job_waits(self, event: QueueJobWaiting) -> None:
        if (job := self.queue_jobs.get(event.queue_job)) is not None:
            job.reason = event.reason

    def _sampled(self, event: WorkersSampled) -> None:
        for sample in event.samples:
            if (worker := self.workers.get(sample.address)) is not None:
                worker.sample = sample

    def _state_shown(self, event: StateShown) -> None:
        self.state = event.overview
        self._done_then = self.done
        for queue_job in event.overview.queue_jobs:
            since = self.now - (queue_job.age or 0.0)
            known = self.queue_jobs.setdefault(
                queue_job.name, QueueJobView(queue_job.name, self.now)
            )
            # Of what was there before, nobody has told when it began.
            known.submitted = min(known.submitted, since)
            known.remark = queue_job.remark
            known.reason = queue_job.reason or known.reason
        held = event.overview.held_for
        for task, seconds in held.items():
            for worker, key in self._places.get(task, ()):
                part = worker.running[key]
                if not part.lo and part.since > self.now - seconds + 1.0:
                    worker.running[key] = part._replace(since=self.now - seconds)


@functools.lru_cache(maxsize=4096)
def without_number(name: str) -> str:
    """Returns what jobs of one function have in common: ``f`` of ``Job-17 (f)``, else the name."""
    if name.startswith("Job-") and name.endswith(")"):
        number, _, function = name[4:-1].partition(" (")
        if function and number.isdigit():
            return function
    return name
