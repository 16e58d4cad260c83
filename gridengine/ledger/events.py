"""What happens, for those who want to know: typed events, and who hears them.

The ledger tells of each event when it takes place, in the dispatcher's thread. With nobody to hear
it, nothing is made. Progress bars, status pages, journals and reports are observers.

========================  =========================================================================
`CountsSoFar`             what was before an observer came
`JobsSubmitted`           they wait for a worker
`JobsStarted`             some or all of their calls were given to a worker
`JobRetried`              some of its calls wait for a worker again, and why
`CallsDone`               some calls of a map have an answer
`CallFailed`              one has failed for good, or a whole job has
`JobsOver`                they will never leave their state
`WorkerJoined`            a worker can be given work
`WorkerLost`              a worker is no more
`WorkersSampled`          what workers use
`CallStalled`             one does nothing, as long as users have said
`QueueJobsSubmitted`      the batch system has them
`QueueJobsDelayed`        the batch system does not take them yet, and why
`QueueJobStarted`         its supervisor has said its first word
`QueueJobWaiting`         it has not started yet, and the batch system's reason
`QueueJobOver`            the batch system, or its silence, says that it is over
`QueueJobDeleted`         somebody else than this program has deleted it
`NoticeGiven`             something that a person who waits would want to read
`StateShown`              how all stands, from time to time, for who watches from elsewhere
========================  =========================================================================
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..schedulers.overview import Overview
from ..states import DeathCause, JobState


class CountsSoFar(NamedTuple):
    """What a dispatcher had done before an observer came, told to that one alone.

    Attributes:
        done: Calls that have an answer.
        failed: Those of them that have failed.
        waiting: Calls that wait for a worker; those that workers have follow as `JobsStarted`.
        retried: Calls that were tried again, each time counted.
    """

    done: int
    failed: int
    waiting: int
    retried: int = 0


class JobSubmitted(NamedTuple):
    """A job waits for a worker.

    Attributes:
        task: Number of the job, or of some neighbouring calls of a map, unique in this program.
        name: What people call it.
        calls: How many calls it has.
        first: Number of the first of them within its map.
    """

    task: int
    name: str
    calls: int
    first: int


class JobsSubmitted(NamedTuple):
    """Jobs wait for a worker."""

    jobs: tuple[JobSubmitted, ...]


class JobStarted(NamedTuple):
    """The calls ``lo`` to ``hi`` (not included) of a job were given to a worker.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        lo: The first call, as counted within the job.
        hi: The one behind the last.
        attempt: Number of the attempt, from 1.
    """

    task: int
    name: str
    lo: int
    hi: int
    attempt: int


class JobsStarted(NamedTuple):
    """Calls of jobs were given to a worker, which runs them one after the other.

    Attributes:
        jobs: They, in this order.
        host: Where the worker is.
        pid: Its process id there.
    """

    jobs: tuple[JobStarted, ...]
    host: str
    pid: int


class JobRetried(NamedTuple):
    """The calls ``lo`` to ``hi`` (not included) of a job wait for a worker again.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        lo: The first call, as counted within the job.
        hi: The one behind the last.
        reason: Why.
        begun: Whether they are tried again; False if their worker has given them back as they were.
        losses: How often their worker was lost while one of them ran, so far.
    """

    task: int
    name: str
    lo: int
    hi: int
    reason: str
    begun: bool = True
    losses: int = 0


class CallsDone(NamedTuple):
    """The calls ``lo`` to ``hi`` (not included) of a job that has several have an answer.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        lo: The first call, as counted within the job.
        hi: The one behind the last.
        failures: How many of them have failed.
        wall: Seconds that they have taken, all together.
        peak_memory: As of `JobOver`.
        host: Where they ran.
        pid: The worker's process id there, 0 if none had them.
    """

    task: int
    name: str
    lo: int
    hi: int
    failures: int
    wall: float
    peak_memory: int
    host: str
    pid: int


class CallFailed(NamedTuple):
    """A call has failed for good, or a whole job has that no worker had.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        call: Number of the call within its map, -1 if it is a job by itself.
        host: Where it ran, empty if no worker had it.
        pid: The worker's process id there.
        failure: A packed exception (`gridengine.serialization.exceptions`), a `Death`, or an
            exception of this program; its text in files and in other processes.
    """

    task: int
    name: str
    call: int
    host: str
    pid: int
    failure: Any


class JobOver(NamedTuple):
    """A job has come to its end.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        state: How it ended.
        calls: How many calls it had.
        failures: How many of them have failed.
        wall: Seconds that its calls have taken, all together.
        cpu: Seconds of processor time that they have taken.
        peak_memory: Largest resident memory of a worker that ran it so far, in bytes.
    """

    task: int
    name: str
    state: JobState
    calls: int
    failures: int
    wall: float
    cpu: float
    peak_memory: int


class JobsOver(NamedTuple):
    """Jobs have come to their end."""

    jobs: tuple[JobOver, ...]


class WorkerJoined(NamedTuple):
    """A worker can be given work.

    Attributes:
        address: The name under which the dispatcher knows it.
        host: Where it is.
        pid: Its process id there.
        queue_job: The batch system's name for what it is in, empty on this host.
        memory_limit: Bytes that it may have, 0 for no limit.
        time_left: Seconds until the batch system ends it, 0 for no limit.
    """

    address: bytes
    host: str
    pid: int
    queue_job: str
    memory_limit: int = 0
    time_left: float = 0.0


class WorkerLost(NamedTuple):
    """A worker is no more; ``calls`` is how many it had, ``cause`` None if it left by itself."""

    address: bytes
    host: str
    pid: int
    queue_job: str
    calls: int
    cause: DeathCause | None


class Sample(NamedTuple):
    """What a worker and all processes that it has started used at one moment.

    Attributes:
        address: The worker's, as of `WorkerJoined`.
        host: Where it is.
        pid: Its process id there.
        cpu: Seconds of processor time that they have had so far, together.
        rss: Their resident memory in bytes; pages that they share count for each.
        peak: The largest `rss` of any sample of this worker.
        gpu_memory: Bytes that they have on graphics processors, 0 if that is not known.
        gpu_use: How busy they keep those, 1 for one of them all the time.
        cpu_use: How many processors they have kept busy since the sample before.
    """

    address: bytes
    host: str
    pid: int
    cpu: float
    rss: int
    peak: int
    gpu_memory: int
    gpu_use: float
    cpu_use: float = 0.0


class WorkersSampled(NamedTuple):
    """What the workers of one supervisor use, idle ones too."""

    samples: tuple[Sample, ...]


class CallStalled(NamedTuple):
    """A call has used less than 1 % of a processor for ``seconds``, with all that it has started.

    Attributes:
        task: As of `JobSubmitted`.
        name: As of `JobSubmitted`.
        call: As of `CallFailed`.
        host: Where it runs.
        pid: The worker's process id there.
        seconds: For how long.
    """

    task: int
    name: str
    call: int
    host: str
    pid: int
    seconds: float


class QueueJobsSubmitted(NamedTuple):
    """The batch system has taken queue jobs."""

    queue_jobs: tuple[str, ...]


class QueueJobsDelayed(NamedTuple):
    """The batch system does not take queue jobs yet, ``number`` of them; ``reason`` says why.

    They are asked for again and again; when some are taken that is a `QueueJobsSubmitted`.
    """

    number: int
    reason: str


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


class QueueJobDeleted(NamedTuple):
    """Somebody else than this program has deleted a queue job.

    Told behind `QueueJobOver`, as soon as it is known, and again when more is known of it;
    ``detail`` is what the batch system says.
    """

    queue_job: str
    detail: str


class NoticeGiven(NamedTuple):
    """Something that a person who waits would want to read."""

    text: str


class StateShown(NamedTuple):
    """How things stand; told from time to time to those who watch from another process."""

    overview: Overview


DispatcherEvent = (
    CountsSoFar | JobsSubmitted | JobsStarted | JobRetried | CallsDone | CallFailed | JobsOver
    | WorkerJoined | WorkerLost | WorkersSampled | CallStalled
    | QueueJobsSubmitted | QueueJobsDelayed | QueueJobStarted | QueueJobWaiting | QueueJobOver
    | QueueJobDeleted | NoticeGiven | StateShown
)  # fmt: skip
