"""The contract between the dispatcher and whatever starts workers.

A scheduler knows how to start a command a number of times, how to tell what became of it, and
how to stop it. It knows no job, no message and no pickle, so a new batch system is one file
(``docs/howto/writing-a-scheduler.md`` has two, of what `gridengine.schedulers.plugin` has)::

    Scheduler                  what the user makes: a description, reusable, cheap
       │ open()
       ▼
    Session                    the live side: start(), stop(), events(), close()
       │ events()
       ▼
    Submitted · Refused · Delayed · Ended · Explained · Stuck · Waiting · Standing · Notice

A *queue job* is what the batch system knows: one running copy of the command. Each one starts
a supervisor, which forks the workers.
"""

from __future__ import annotations

import abc
from contextvars import ContextVar

# `typing` and what else takes long to import is left to those who come after the first worker
# has been started; so on the way to there in other rooms too.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, ClassVar

    from typing_extensions import Self

    from .events import Event


FIRST_BATCH = 1
"""The number of a dispatcher's first request for queue jobs."""


_entered: ContextVar[tuple[Scheduler, ...]] = ContextVar("gridengine.schedulers", default=())


def innermost() -> Scheduler | None:
    """Returns the scheduler of the ``with`` that this thread, or task, is in; None if in none."""
    entered = _entered.get()
    return entered[-1] if entered else None


def enter(scheduler: Scheduler) -> Callable[[], None]:
    """Has this thread, or task, be in a ``with`` of a scheduler; returns what ends that.

    Unlike the end of a real one, it closes nothing.
    """
    token = _entered.set((*_entered.get(), scheduler))
    return lambda: _entered.reset(token)


class Session(abc.ABC):
    """A scheduler at work for one dispatcher. No method blocks, but for `close`.

    All methods are called from the dispatcher's thread, or before it is there.

    Attributes:
        controls: `gridengine.transport.control.Controls` of its supervisors, if the scheduler is
            not ``remote``: they are children of this process then.
    """

    controls: Any = None

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

        The answer comes as an event, with ``batch``: `Submitted`, several of them if it is taken in
        parts, or `Refused`, upon which the jobs fail that wait for it. The names in `Submitted` are
        the session's to choose, each once; the supervisor must find the same one:
        ``queue_job_template``.

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

    def ask_about(self, queue_jobs: Sequence[str]) -> None:  # noqa: B027  # where nobody knows
        """Has it said how queue jobs stand whose supervisors are silent.

        A batch system that suspends queue jobs answers with an event, `Standing`.
        """

    def doubt(self) -> None:  # noqa: B027  # where all ends are told soon
        """Is told that connections of supervisors or workers have ended; whose is not known.

        A queue job may be over: who learns of that only by looking may look now.
        """

    @abc.abstractmethod
    def events(self) -> list[Event]:
        """Returns what happened since the last call, oldest first."""

    @abc.abstractmethod
    def fileno(self) -> int:
        """Returns a descriptor that is readable when `events` has something to say."""

    def when_silent(self) -> Sequence[str]:
        """Returns what a supervisor runs that has heard nothing of the program for too long.

        A module and an argument, for ``module.main(argument, folder)``, where ``folder`` is the
        program's; nothing by default.
        """
        return ()

    @abc.abstractmethod
    def close(self) -> None:
        """Ends all queue jobs of this session and waits, for seconds at most, until they are gone.

        Idempotent.
        """


class Scheduler(abc.ABC):
    """Says where workers run; the same object serves any number of maps and jobs.

    A context manager: within it, in this thread or task, it is what maps and jobs use that name no
    other. Leaving it waits for the jobs that were started and are no daemons, and ends its workers;
    after an exception the jobs are cancelled, and the log says how many.

    Its state is what lies in its ``__dict__``; it is copied, and may be sent to a worker.

    Attributes:
        remote: Whether workers may run on other hosts, and so need the network.
        inline: Whether there are no workers: jobs run where they are started.
        workers_per_queue_job: Workers that one queue job holds.
        max_queue_jobs: Queue jobs at one time, at most.
        linger: Seconds that an idle worker is kept, None for as long as the scheduler is open.
        lifetime: Seconds after which a worker leaves between two jobs, and its place is asked for
            anew, so that others may have it; None for never.
        slots: Cores that each worker is granted.
        devices: Variables that say which devices a worker may use, for each worker that a queue
            job holds; empty if they are not to be said.
        fresh: Whether each job gets a newly forked worker, which has seen no other.
        max_tasks_per_worker: Jobs, and chunks of maps, after which a worker leaves its place to a
            new one; None for never.
        initializer: What each worker calls before its first job, None for nothing. Set after the
            first job, it is heeded when the scheduler has been closed and is used again.
        initargs: Its arguments.
        cwd: The directory of its jobs, None for that of the program.
        env: Variables that are set for its jobs; None as a value takes one away.
        output: What becomes of what its jobs print, ``"stream"``, ``"collect"`` or ``"discard"``;
            None for what ``GRIDENGINE_OUTPUT`` says.
        settings: What it says itself about `gridengine.settings.Settings`; None for nothing.
        queue_job_name: What people shall read in the queue; by default what the first of the jobs
            is called for which a queue job is asked.
        queue_job_template: How a supervisor derives its queue job's identifier from its
            environment (``str.format`` fields, such as ``{JOB_ID}.{SGE_TASK_ID}``): the name that
            `Submitted` has for it.
        takes_resources: Whether what jobs ask for has a meaning.
        memory_resource: The resource that ``memory=`` of a job stands for, counted for each slot;
            empty if there is none.
        memory_max: Bytes that a job is given at most which asks for more and more memory, 0 if that
            is not said.
        dispatchers: What serves it, by host and ports; for `gridengine.dispatcher.registry` alone.
    """

    remote: ClassVar[bool] = True
    inline: ClassVar[bool] = False
    takes_resources: ClassVar[bool] = True
    workers_per_queue_job: int = 1
    max_queue_jobs: int = 1
    linger: float | None = None
    lifetime: float | None = None
    slots: int = 1
    devices: Sequence[Mapping[str, str]] = ()
    fresh: bool = False
    max_tasks_per_worker: int | None = None
    initializer: Callable[..., object] | None = None
    initargs: Iterable[Any] = ()
    cwd: str | None = None
    env: Mapping[str, str | None] | None = None
    output: str | None = None
    settings: Mapping[str, object] | None = None
    queue_job_name: str = ""
    memory_resource: str = ""
    memory_max: int = 0
    queue_job_template: ClassVar[str] = ""

    def __init_subclass__(cls, **arguments: object) -> None:
        """Refuses one that is written for the first gridengine.

        Raises:
            TypeError: It is such a one.
        """
        super().__init_subclass__(**arguments)
        if "schedule" in vars(cls) and cls.open is Scheduler.open:
            raise TypeError(
                f"{cls.__name__} has a method schedule(), as schedulers of the first gridengine "
                "had, and no open(): what schedule() did is now the start() of the session that "
                "open() returns, and killall() its close(); docs/howto/writing-a-scheduler.md "
                "has a whole one"
            )

    dispatchers: dict[tuple[str, str], Any] | None = None
    _closers: tuple[Callable[[], None], ...] = ()
    _leavers: tuple[Callable[[bool], None], ...] = ()

    @abc.abstractmethod
    def open(self) -> Session:
        """Starts a session. Dispatchers call it; programs have no use for it.

        Raises:
            SchedulerUnavailable: It cannot be used here; the message says why.
        """

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        """Returns a job's own resource requests in a form fit for `Session.start`.

        Called when the job is started, so that a mistake is told to the one who made it. Jobs whose
        requests differ have workers of their own; a scheduler that has no use for requests returns
        nothing.

        Raises:
            ValueError, TypeError: A request has a value that the batch system cannot take.
        """
        return dict(resources)

    def slots_of(self, resources: Mapping[str, object]) -> int:
        """Returns the cores that each worker is granted.

        Args:
            resources: What `resources_of` has returned.
        """
        return self.slots

    def time_limit(self, resources: Mapping[str, object]) -> float:
        """Returns the seconds after which the batch system ends a queue job, 0 for never.

        Args:
            resources: What `resources_of` has returned.
        """
        return 0.0

    def memory_of(self, resources: Mapping[str, object]) -> int:
        """Returns the bytes that each slot of a queue job is granted, 0 if that is not limited.

        Args:
            resources: What `resources_of` has returned.
        """
        return 0

    def on_close(
        self, closer: Callable[[], None], leaver: Callable[[bool], None] | None = None
    ) -> None:
        """Has ``closer`` called, once, by `close`.

        And before that ``leaver``, when a ``with`` is left; it is told whether by an exception.
        """
        self._closers += (closer,)
        if leaver is not None:
            self._leavers += (leaver,)

    def close(self) -> None:
        """Ends all workers of this scheduler. Idempotent; the scheduler may be used again."""
        closers, self._closers = self._closers, ()
        self._leavers = ()
        for closer in closers:
            closer()

    def __getstate__(self) -> dict[str, Any]:
        # A copy of it, or one in a worker, is a description too; what is alive is not its own.
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("dispatchers", "_closers", "_leavers")
        }

    def _repr_html_(self) -> str:
        """Returns what a notebook shows of it; starts nothing, and waits for nothing."""
        from .scheduler_html import scheduler_html

        return scheduler_html(self)

    def __enter__(self) -> Self:
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        outer = list(_entered.get())
        # Not by a token: several threads may be in one, and a generator may end elsewhere.
        for place in reversed(range(len(outer))):
            if outer[place] is self:
                del outer[place]
                break
        _entered.set(tuple(outer))
        try:
            for leaver in self._leavers:
                leaver(error is not None)
        finally:
            self.close()
