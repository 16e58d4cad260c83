"""What happens, for those who want to know: typed events, and who hears them.

The ledger tells of each event when it takes place, in the dispatcher's thread. With nobody to hear
it, nothing is made. Progress bars, status pages, journals and reports are observers.

========================  =========================================================================
`JobSubmitted`            it waits for a worker
`JobStarted`              some or all of its calls were given to a worker
`JobRetried`              some of its calls are tried again, and why
`CallsDone`               some calls of a map have an answer
`JobOver`                 it will never leave its state
`WorkerJoined`            a worker can be given work
`WorkerLost`              a worker is no more
`QueueJobsSubmitted`      the batch system has them
`QueueJobStarted`         its supervisor has said its first word
`QueueJobWaiting`         it has not started yet, and the batch system's reason
`QueueJobOver`            the batch system, or its silence, says that it is over
`NoticeGiven`             something that a person who waits would want to read
========================  =========================================================================
"""

from __future__ import annotations

from typing import NamedTuple

from ..states import DeathCause, JobState


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


class CallsDone(NamedTuple):
    """Calls of a job that has several have an answer.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        calls: How many.
        failures: How many of them have failed.
    """

    task: int
    name: str
    calls: int
    failures: int


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
    """A queue job has waited for long, or will not start at all; ``reason`` says why."""

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
    JobSubmitted | JobStarted | JobRetried | CallsDone | JobOver | WorkerJoined | WorkerLost
    | QueueJobsSubmitted | QueueJobStarted | QueueJobWaiting | QueueJobOver | NoticeGiven
)  # fmt: skip
