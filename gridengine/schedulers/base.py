"""The contract between the dispatcher and whatever starts workers.

A scheduler knows how to start a command a number of times, how to tell what became of it, and
how to stop it. It knows no job, no socket and no pickle, so a new batch system is one file::

    Scheduler                  what the user makes: a description, reusable, cheap
       │ open()
       ▼
    Session                    the live side: start(), stop(), events(), close()
       │ events()
       ▼
    Submitted · Refused · Ended · Explained · Stuck · Notice

A *queue job* is what the batch system knows: one running copy of the command. Each one starts
a supervisor, which forks the workers.
"""

from __future__ import annotations

import abc

# `typing` and what else takes long to import is left to those who come after the first worker
# has been started; so on the way to there in other rooms too.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, ClassVar

    from .events import Event


FIRST_BATCH = 1
"""The number of a dispatcher's first request for queue jobs."""


class Session(abc.ABC):
    """A scheduler at work for one dispatcher. No method blocks, but for `close`.

    All methods are called from the dispatcher's thread, or before it is there.
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
        avoid: Sequence[str] = (),
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
            logs: An existing folder for what the copies print; each writes into a file that is
                called by the queue job's name, and ends in ``.log``.
            avoid: Names of hosts on which none shall run.
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

    A context manager: leaving it ends its workers. Its state is what lies in its ``__dict__``; it
    is copied, and may be sent to a worker.

    Attributes:
        remote: Whether workers may run on other hosts, and so need the network.
        workers_per_queue_job: Workers that one queue job holds.
        max_queue_jobs: Queue jobs at one time, at most.
        linger: Seconds that an idle worker is kept, None for as long as the scheduler is open.
        slots: Cores that each worker is granted.
        fresh: Whether each job gets a newly forked worker, which has seen no other.
        queue_job_name: How a supervisor derives its queue job's name from its environment
            (``str.format`` fields).
        dispatchers: What serves it, by host and ports; for `gridengine.dispatcher.registry` alone.
    """

    remote: ClassVar[bool] = True
    workers_per_queue_job: int = 1
    max_queue_jobs: int = 1
    linger: float | None = None
    slots: int = 1
    fresh: bool = False
    queue_job_name: ClassVar[str] = ""

    dispatchers: dict[tuple[str, str], Any] | None = None
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

    def __getstate__(self) -> dict[str, Any]:
        # A copy of it, or one in a worker, is a description too; what is alive is not its own.
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("dispatchers", "_closers")
        }

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
