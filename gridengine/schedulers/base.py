"""The contract between the dispatcher and whatever starts workers.

A scheduler knows how to start a command a number of times, how to tell what became of it, and
how to stop it. It knows no job, no socket and no pickle, so a new batch system is one file::

    Scheduler                  what the user makes: a description, reusable, cheap
       │ open()
       ▼
    Session                    the live side: start(), stop(), events(), close()
       │ events()
       ▼
    Submitted · Refused · Ended · Stuck · Notice

A *queue job* is what the batch system knows: one running copy of the command. Each one starts
a supervisor, which forks the workers.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import ClassVar, NamedTuple

from ..states import DeathCause


class End(NamedTuple):
    """What the batch system, or the kernel, says about the end of a queue job.

    It is evidence for `gridengine.errors.Death`, not truth: the worker's own word comes first.

    Attributes:
        exitcode: Exit status of the command, -N for signal N, None if unknown.
        cause: What ended it, as far as the scheduler can tell.
        peak_memory: In bytes, 0 if unknown.
        requested_memory: Granted memory in bytes, 0 if not limited.
        wall_time: Seconds that it ran, 0 if it never did.
        detail: The batch system's own words.
        advice: What a user should do about it, empty if nothing is known.
    """

    exitcode: int | None = None
    cause: DeathCause = DeathCause.UNKNOWN
    peak_memory: int = 0
    requested_memory: int = 0
    wall_time: float = 0.0
    detail: str = ""
    advice: str = ""


class Submitted(NamedTuple):
    """The batch system took a batch; ``queue_jobs`` are its names for the copies."""

    batch: int
    queue_jobs: tuple[str, ...]


class Refused(NamedTuple):
    """The batch system will not take a batch, however often it is asked; ``reason`` says why."""

    batch: int
    reason: str


class Ended(NamedTuple):
    """A queue job is over, whatever ended it. Said once for each submitted queue job."""

    queue_job: str
    end: End


class Stuck(NamedTuple):
    """A queue job will not start by itself (Grid Engine's Eqw); ``reason`` says why.

    The session leaves it in the queue: the dispatcher decides whether to stop it.
    """

    queue_job: str
    reason: str


class Notice(NamedTuple):
    """Something that a person who waits would want to read in the log."""

    text: str


Event = Submitted | Refused | Ended | Stuck | Notice


class Session(abc.ABC):
    """A scheduler at work for one dispatcher. No method blocks, but for `close`.

    All methods are called from the dispatcher's thread.
    """

    @abc.abstractmethod
    def start(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        resources: Mapping[str, object],
        logs: str,
    ) -> None:
        """Asks for ``count`` more queue jobs that run ``command``.

        The answer comes as an event: `Submitted` or `Refused`, both with ``batch``.

        Args:
            batch: The dispatcher's number for this request.
            command: Program and arguments, every one visible to the nodes.
            count: Copies to run, at least 1.
            name: What people shall read in the queue; made legal by the session.
            resources: Requests of the jobs themselves, which add to and override the
                scheduler's own.
            logs: An existing folder for what the copies print.
        """

    @abc.abstractmethod
    def stop(self, queue_jobs: Sequence[str]) -> None:
        """Ends these queue jobs, pending or running; those already over are ignored."""

    @abc.abstractmethod
    def events(self) -> list[Event]:
        """Returns what happened since the last call, oldest first."""

    @abc.abstractmethod
    def fileno(self) -> int:
        """Returns a descriptor that is readable when `events` has something to say."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends all queue jobs of this session and waits, for seconds at most, until they are gone.

        Idempotent.
        """


class Scheduler(abc.ABC):
    """Says where workers run; the same object serves any number of maps and jobs.

    A context manager: leaving it ends its workers.

    Attributes:
        remote: Whether workers may run on other hosts, and so need the network.
        workers_per_queue_job: Workers that one queue job holds.
        max_queue_jobs: Queue jobs at one time, at most.
        linger: Seconds that an idle worker is kept, None for as long as the scheduler is open.
        slots: Cores that each worker is granted.
        fresh: Whether each job gets a newly forked worker, which has seen no other.
        queue_job_name: How a supervisor derives its queue job's name from its environment
            (``str.format`` fields).
    """

    remote: ClassVar[bool] = True
    workers_per_queue_job: int = 1
    max_queue_jobs: int = 1
    linger: float | None = None
    slots: int = 1
    fresh: bool = False
    queue_job_name: ClassVar[str] = ""

    _closers: tuple[Callable[[], None], ...] = ()

    @abc.abstractmethod
    def open(self) -> Session:
        """Starts a session.

        Raises:
            SchedulerUnavailable: It cannot be used here; the message says why.
        """

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        """Returns a job's own resource requests in a form fit for `Session.start`.

        Called when the job is started, so that a mistake is told to the one who made it.

        Raises:
            ValueError, TypeError: A request has a value that the batch system cannot take.
        """
        return dict(resources)

    def time_limit(self, resources: Mapping[str, object]) -> float:
        """Returns the seconds after which the batch system ends a queue job, 0 for never.

        Args:
            resources: What `resources_of` has returned.
        """
        return 0.0

    def on_close(self, closer: Callable[[], None]) -> None:
        """Has ``closer`` called, once, by `close`."""
        self._closers += (closer,)

    def close(self) -> None:
        """Ends all workers of this scheduler. Idempotent; the scheduler may be used again."""
        closers, self._closers = self._closers, ()
        for closer in closers:
            closer()

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
