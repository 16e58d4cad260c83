"""What happens, for those who want to know: typed events, and who hears them.

The ledger tells of each event when it takes place, in the dispatcher's thread. With nobody to hear
it, nothing is made. Progress bars, status pages, journals and reports are observers.

========================  =========================================================================
`JobSubmitted`            it waits for a worker
`JobStarted`              some or all of its calls were given to a worker
`JobRetried`              some of its calls are tried again, and why
`JobOver`                 it will never leave its state
`WorkerJoined`            a worker can be given work
`WorkerLost`              a worker is no more
`QueueJobsSubmitted`      the batch system has them
`QueueJobStarted`         its supervisor has said its first word
`QueueJobWaiting`         it will not start by itself, and the batch system's reason
`QueueJobOver`            the batch system, or its silence, says that it is over
`NoticeGiven`             something that a person who waits would want to read
========================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..states import DeathCause, JobState
from .records import Chunk, WorkerRecord
from .task import Task


class JobSubmitted(NamedTuple):
    """A job waits for a worker.

    Attributes:
        task: Number of the job, or of some neighbouring calls of a map, unique in this program.
        name: What people call it.
        calls: How many calls it has.
    """

    task: int
    name: str
    calls: int


class JobStarted(NamedTuple):
    """The calls ``lo`` to ``hi`` (not included) of a job were given to a worker.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        lo: The first call.
        hi: The one behind the last.
        attempt: Number of the attempt, from 1.
        host: Where the worker is.
        pid: Its process id there.
    """

    task: int
    name: str
    lo: int
    hi: int
    attempt: int
    host: str
    pid: int


class JobRetried(NamedTuple):
    """The calls ``lo`` to ``hi`` (not included) of a job are tried again; ``reason`` says why."""

    task: int
    name: str
    lo: int
    hi: int
    reason: str


class JobOver(NamedTuple):
    """A job has come to its end.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        state: How it ended.
        calls: How many calls it had.
        failures: How many of them have failed.
        wall: Seconds that its calls have taken, all together.
        peak_memory: Largest resident memory of a worker that ran it so far, in bytes.
    """

    task: int
    name: str
    state: JobState
    calls: int
    failures: int
    wall: float
    peak_memory: int


class WorkerJoined(NamedTuple):
    """A worker can be given work."""

    address: bytes
    host: str
    pid: int
    queue_job: str


class WorkerLost(NamedTuple):
    """A worker is no more; ``calls`` is how many it had, ``cause`` None if it left by itself."""

    address: bytes
    host: str
    pid: int
    queue_job: str
    calls: int
    cause: DeathCause | None


class QueueJobsSubmitted(NamedTuple):
    """The batch system has taken queue jobs."""

    queue_jobs: tuple[str, ...]


class QueueJobStarted(NamedTuple):
    """The supervisor of a queue job has said its first word."""

    queue_job: str
    host: str


class QueueJobWaiting(NamedTuple):
    """A queue job will not start by itself; ``reason`` is the batch system's."""

    queue_job: str
    reason: str


class QueueJobOver(NamedTuple):
    """A queue job is over; ``detail`` is what the batch system says of it."""

    queue_job: str
    detail: str


class NoticeGiven(NamedTuple):
    """Something that a person who waits would want to read."""

    text: str


DispatcherEvent = (
    JobSubmitted | JobStarted | JobRetried | JobOver | WorkerJoined | WorkerLost
    | QueueJobsSubmitted | QueueJobStarted | QueueJobWaiting | QueueJobOver | NoticeGiven
)  # fmt: skip

Observer = Callable[[DispatcherEvent], object]
"""Called in the dispatcher's thread: it must neither block nor raise."""


class Observers:
    """Those who hear of events.

    Attributes:
        callbacks: They; where there are none no event is made.
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
        """Has all observers hear an event."""
        for callback in self.callbacks:
            callback(event)

    def tell_started(self, chunks: Sequence[Chunk], worker: WorkerRecord) -> None:
        """Has them hear that a worker was given some chunks."""
        host, pid, _ = worker.place
        for chunk in chunks:
            task = chunk.task
            self.tell(JobStarted(task.id, task.name, chunk.lo, chunk.hi, chunk.attempt, host, pid))

    def tell_retried(self, chunk: Chunk, reason: str) -> None:
        """Has them hear that some calls are tried again."""
        task = chunk.task
        self.tell(JobRetried(task.id, task.name, chunk.lo, chunk.hi, reason))

    def tell_over(self, task: Task) -> None:
        """Has them hear that a task is over."""
        outcomes = task.outcomes
        failures = sum(len(outcome.failures) for outcome in outcomes)
        wall = sum(outcome.wall for outcome in outcomes)
        peak = max((outcome.peak_memory for outcome in outcomes), default=0)
        self.tell(JobOver(task.id, task.name, task.state, task.size, failures, wall, peak))
