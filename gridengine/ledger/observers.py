"""Those who hear of events; `gridengine.ledger.events` has what they hear.

To make an event is their affair alone, and so is the import of the types: with nobody to hear it,
neither happens. Whoever tells something asks for `Observers.callbacks` first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ..states import JobState, Mode
from .counts import Counts
from .records import Chunk, QueueJobRecord, WorkerRecord
from .task import Outcome, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..schedulers.events import End
    from ..transport.sample_messages import WorkerSample
    from .events import DispatcherEvent

    Observer = Callable[[DispatcherEvent], object]


def _types() -> Any:
    """Returns the module of the types, imported when the first of them is made."""
    global _loaded
    if _loaded is None:
        from . import events

        _loaded = events
    return _loaded


#: To ask the import system takes as long as to make an event.
_loaded: Any = None


#: Makes a row of a tuple of its fields, in half the time: there are three for each job.
_row = tuple.__new__

_FAILED = JobState.FAILED


class Observers:
    """All of one dispatcher.

    An observer is called with the event, in the dispatcher's thread: it must neither block nor
    raise.

    Attributes:
        callbacks: They.
    """

    __slots__ = ("callbacks",)

    def __init__(self) -> None:
        self.callbacks: tuple[Observer, ...] = ()

    def add(self, observer: Observer) -> None:
        """Has one more hear them. May be called by any thread, as long as no other does."""
        self.callbacks += (observer,)

    def remove(self, observer: Observer) -> None:
        """Has one of them hear no more. To be called where the events are told."""
        self.callbacks = tuple(each for each in self.callbacks if each is not observer)

    def tell(self, event: DispatcherEvent) -> None:
        """Has all of them hear an event."""
        for callback in self.callbacks:
            callback(event)

    def jobs_submitted(self, tasks: Iterable[Task]) -> None:
        """See `events.JobsSubmitted`."""
        types = _types()
        made = types.JobSubmitted
        rows = tuple([_row(made, (t.id, t.name, t.size, t.first)) for t in tasks])
        self.tell(types.JobsSubmitted(rows))

    def jobs_started(self, chunks: Iterable[Chunk], worker: WorkerRecord) -> None:
        """See `events.JobsStarted`."""
        host, pid, _ = worker.place
        types = _types()
        made = types.JobStarted
        rows = tuple([_row(made, (c.task.id, c.task.name, c.lo, c.hi, c.attempt)) for c in chunks])
        self.tell(types.JobsStarted(rows, host, pid))

    def job_retried(self, chunk: Chunk, reason: str, begun: bool) -> None:
        """See `events.JobRetried`."""
        task, losses = chunk.task, chunk.deaths + chunk.losses
        self.tell(
            _types().JobRetried(task.id, task.name, chunk.lo, chunk.hi, reason, begun, losses)
        )

    def answered(self, task: Task, outcome: Outcome) -> None:
        """See `events.CallsDone`, `CallFailed` and, if that was the last, `JobsOver`."""
        types = _types()
        host, pid, _ = outcome.place
        single = task.size == 1
        if not single:
            lo, hi, failures = outcome.lo, outcome.hi, len(outcome.failures)
            used = outcome.wall, outcome.peak_memory
            self.tell(types.CallsDone(task.id, task.name, lo, hi, failures, *used, host, pid))
        for call, failure in outcome.failures.items():
            number = -1 if single and task.mode is Mode.CALL else task.first + call
            self.tell(types.CallFailed(task.id, task.name, number, host, pid, failure))
        if task.over:
            self.jobs_over([task])

    def job_ended(self, task: Task) -> None:
        """See `events.JobsOver`; of one that was ended as a whole."""
        if task.error is not None and task.state is _FAILED:
            self.tell(_types().CallFailed(task.id, task.name, -1, "", 0, task.error))
        self.jobs_over([task])

    def jobs_over(self, tasks: Iterable[Task]) -> None:
        """See `events.JobsOver`."""
        types = _types()
        self.tell(types.JobsOver(tuple([_over(types.JobOver, task) for task in tasks])))

    def worker_joined(self, worker: WorkerRecord) -> None:
        """See `events.WorkerJoined`."""
        self.tell(_joined(worker, worker.heard))

    def worker_lost(self, worker: WorkerRecord, end: End) -> None:
        """See `events.WorkerLost`; to be called before its calls are taken from it."""
        calls = sum(chunk.hi - chunk.lo for chunk in worker.outstanding)
        cause = None if end.exitcode == 0 and not calls else end.cause
        self.tell(_types().WorkerLost(worker.address, *worker.place, calls, cause))

    def workers_sampled(self, sampled: Iterable[tuple[WorkerRecord, WorkerSample]]) -> None:
        """See `events.WorkersSampled`."""
        types = _types()
        made = types.Sample
        rows = [
            (
                w.address,
                w.place.host,
                w.place.pid,
                s.cpu,
                s.rss,
                s.peak,
                s.gpu_memory,
                s.gpu_use,
                s.cpu_use,
            )
            for w, s in sampled
        ]
        self.tell(types.WorkersSampled(tuple([_row(made, row) for row in rows])))

    def call_stalled(self, task: Task, number: int, worker: WorkerRecord, idle: float) -> None:
        """See `events.CallStalled`."""
        host, pid, _ = worker.place
        self.tell(_types().CallStalled(task.id, task.name, number, host, pid, idle))

    def queue_jobs_submitted(self, queue_jobs: tuple[str, ...]) -> None:
        """See `events.QueueJobsSubmitted`."""
        self.tell(_types().QueueJobsSubmitted(queue_jobs))

    def queue_jobs_delayed(self, number: int, reason: str) -> None:
        """See `events.QueueJobsDelayed`."""
        self.tell(_types().QueueJobsDelayed(number, reason))

    def queue_job_started(self, queue_job: str, host: str) -> None:
        """See `events.QueueJobStarted`."""
        self.tell(_types().QueueJobStarted(queue_job, host))

    def queue_job_waiting(self, queue_job: str, reason: str) -> None:
        """See `events.QueueJobWaiting`."""
        self.tell(_types().QueueJobWaiting(queue_job, reason))

    def queue_job_over(self, queue_job: str, detail: str) -> None:
        """See `events.QueueJobOver`."""
        self.tell(_types().QueueJobOver(queue_job, detail))

    def queue_job_deleted(self, queue_job: str, detail: str) -> None:
        """See `events.QueueJobDeleted`."""
        self.tell(_types().QueueJobDeleted(queue_job, detail))

    def notice_given(self, text: str) -> None:
        """See `events.NoticeGiven`."""
        self.tell(_types().NoticeGiven(text))


def _joined(worker: WorkerRecord, now: float) -> DispatcherEvent:
    left = worker.deadline - now
    limits = worker.supervisor.memory_limit, left if left < math.inf else 0.0
    event: DispatcherEvent = _types().WorkerJoined(worker.address, *worker.place, *limits)
    return event


def _over(made: Any, task: Task) -> Any:
    outcomes = task.outcomes
    if len(outcomes) == 1:
        only = outcomes[0]
        failures, wall, cpu, peak = len(only.failures), only.wall, only.cpu, only.peak_memory
    else:
        failures = sum(len(outcome.failures) for outcome in outcomes)
        wall, cpu = sum(each.wall for each in outcomes), sum(each.cpu for each in outcomes)
        peak = max((outcome.peak_memory for outcome in outcomes), default=0)
    row = task.id, task.name, task.state, task.size, failures, wall, cpu, peak
    return _row(made, row)


def introduce(
    observer: Observer,
    queue_jobs: Iterable[QueueJobRecord],
    workers: Iterable[WorkerRecord],
    counts: Counts,
    waiting: int,
    now: float,
) -> None:
    """Tells a new observer of what is there, by the events that it would have heard.

    Of jobs that is what workers have: of those that wait there may be a million.

    Args:
        observer: The new one.
        queue_jobs: All that are not over.
        workers: All that there are.
        counts: What they have done.
        waiting: How many calls wait for a worker.
        now: On the monotonic clock.
    """
    types = _types()
    observer(types.CountsSoFar(counts.done, counts.failed, waiting, counts.retried))
    for record in queue_jobs:
        observer(types.QueueJobsSubmitted((record.name,)))
        for supervisor in record.supervisors:
            observer(types.QueueJobStarted(record.name, supervisor.host))
        if record.reason:
            observer(types.QueueJobWaiting(record.name, record.reason))
    for worker in workers:
        observer(_joined(worker, now))
        own = Observers()
        own.add(observer)
        if worker.series is not None:
            own.workers_sampled([(worker, worker.series.latest)])
        if worker.outstanding:
            own.jobs_started(worker.outstanding, worker)
