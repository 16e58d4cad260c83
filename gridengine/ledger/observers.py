"""Those who hear of events; `gridengine.ledger.events` has what they hear.

To make an event is their affair alone, and so is the import of the types: with nobody to hear it,
neither happens. Whoever tells something asks for `Observers.callbacks` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .records import Chunk, QueueJobRecord, WorkerRecord
from .task import Outcome, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..schedulers.events import End
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

    def job_submitted(self, task: Task) -> None:
        """See `events.JobSubmitted`."""
        self.tell(_types().JobSubmitted(task.id, task.name, task.size))

    def job_started(self, chunks: Sequence[Chunk], worker: WorkerRecord) -> None:
        """See `events.JobStarted`; of each of some chunks."""
        host, pid, _ = worker.place
        made = _types().JobStarted
        for chunk in chunks:
            task = chunk.task
            self.tell(made(task.id, task.name, chunk.lo, chunk.hi, chunk.attempt, host, pid))

    def job_retried(self, chunk: Chunk, reason: str) -> None:
        """See `events.JobRetried`."""
        task = chunk.task
        self.tell(_types().JobRetried(task.id, task.name, chunk.lo, chunk.hi, reason))

    def calls_done(self, task: Task, outcome: Outcome) -> None:
        """See `events.CallsDone`; of a job that has several."""
        calls = outcome.hi - outcome.lo
        self.tell(_types().CallsDone(task.id, task.name, calls, len(outcome.failures)))

    def job_over(self, task: Task) -> None:
        """See `events.JobOver`."""
        failures, wall, peak = 0, 0.0, 0
        # Not by three generators: most have one, and there is one of these for each job.
        for outcome in task.outcomes:
            failures += len(outcome.failures)
            wall += outcome.wall
            peak = max(peak, outcome.peak_memory)
        self.tell(_types().JobOver(task.id, task.name, task.state, task.size, failures, wall, peak))

    def worker_joined(self, worker: WorkerRecord) -> None:
        """See `events.WorkerJoined`."""
        self.tell(_types().WorkerJoined(worker.address, *worker.place))

    def worker_lost(self, worker: WorkerRecord, end: End) -> None:
        """See `events.WorkerLost`; to be called before its calls are taken from it."""
        calls = sum(chunk.hi - chunk.lo for chunk in worker.outstanding)
        cause = None if end.exitcode == 0 and not calls else end.cause
        self.tell(_types().WorkerLost(worker.address, *worker.place, calls, cause))

    def queue_jobs_submitted(self, queue_jobs: tuple[str, ...]) -> None:
        """See `events.QueueJobsSubmitted`."""
        self.tell(_types().QueueJobsSubmitted(queue_jobs))

    def queue_job_started(self, queue_job: str, host: str) -> None:
        """See `events.QueueJobStarted`."""
        self.tell(_types().QueueJobStarted(queue_job, host))

    def queue_job_waiting(self, queue_job: str, reason: str) -> None:
        """See `events.QueueJobWaiting`."""
        self.tell(_types().QueueJobWaiting(queue_job, reason))

    def queue_job_over(self, queue_job: str, detail: str) -> None:
        """See `events.QueueJobOver`."""
        self.tell(_types().QueueJobOver(queue_job, detail))

    def notice_given(self, text: str) -> None:
        """See `events.NoticeGiven`."""
        self.tell(_types().NoticeGiven(text))


def introduce(
    observer: Observer, queue_jobs: Iterable[QueueJobRecord], workers: Iterable[WorkerRecord]
) -> None:
    """Tells a new observer of what is there, by the events that it would have heard."""
    types = _types()
    for record in queue_jobs:
        observer(types.QueueJobsSubmitted((record.name,)))
        for supervisor in record.supervisors:
            observer(types.QueueJobStarted(record.name, supervisor.host))
    for worker in workers:
        observer(types.WorkerJoined(worker.address, *worker.place))
