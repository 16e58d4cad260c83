"""What the session process needs of a batch system.

A new one is a subclass of `BatchSystem`, which its session names (`QueueSession.batch_system`), and
which is imported in the session process alone.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

from .messages import Submit

Record = dict[str, str]
"""What is written down about a queue job that is over, by the batch system's own names."""


class Unreachable(Exception):
    """The batch system does not answer: to be tried again."""


class Limited(Exception):
    """The site allows no more for now: to be tried again."""


class TooLarge(Exception):
    """The site allows no array with more than ``size`` tasks: to be split."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Denied(Exception):
    """The batch system will never do that."""


class NotTold(Exception):
    """The batch system does not tell that here, and never will."""


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a queue job ended.

    Attributes:
        queue_job: Its name.
        exited: Whether the command ended by itself, with ``status``.
        status: Exit status.
        signal: Name of the signal that ended it, empty if none did.
        aborted: Whether it was deleted, or never ran.
        usage: What is known of the resources that it used.
    """

    queue_job: str
    exited: bool = False
    status: int = 0
    signal: str = ""
    aborted: bool = False
    usage: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def has_run(self) -> bool:
        """Whether it is certain that it was started."""
        wall = self.usage.get("ru_wallclock", "").strip("0.")
        return self.exited or bool(self.signal or wall)


class QueueState(NamedTuple):
    """How a queue job stands in the queue.

    Attributes:
        waiting: Whether it waits for its start.
        held: Whether it is on hold, and so not even considered.
        running: Whether it has started; suspended ones count.
        in_error: Whether it will not start by itself.
        leaving: Whether it is being deleted.
        suspended: By what it is suspended, empty if it is not.
    """

    waiting: bool = False
    held: bool = False
    running: bool = False
    in_error: bool = False
    leaving: bool = False
    suspended: str = ""


class Pauses(NamedTuple):
    """How often the queue is looked at, in seconds.

    Attributes:
        first: From a submission to the first look; the pause doubles from there.
        longest: Between two looks while some queue jobs wait.
        running: Between two looks while all of them run.
        misses: Looks in a row that do not find a queue job, until it counts as gone.
    """

    first: float
    longest: float
    running: float
    misses: int


ENDS_ARE_TOLD = Pauses(first=2.0, longest=30.0, running=120.0, misses=2)
"""Where `BatchSystem.endings` tells of all ends: the queue is looked at for what else there is."""

ENDS_ARE_SEEN = Pauses(first=1.0, longest=8.0, running=15.0, misses=1)
"""Where it does not: an end is seen by a look that does not find the queue job. A single one has to
be confirmed by what is written down about it, or by a second look."""


class WaitQuestion(NamedTuple):
    """Why do these wait?

    Attributes:
        request: What they ask for.
        held: Whether they are on hold.
        queue_job: The one of them that is asked about.
    """

    request: str
    held: bool
    queue_job: str


class WaitReason(NamedTuple):
    """Why queue jobs have not started.

    Attributes:
        question: Which ones.
        reason: Why; empty if nobody knows.
        words: What the batch system has printed, for the log.
    """

    question: WaitQuestion
    reason: str
    words: str


class BatchSystem(abc.ABC):
    """A batch system, as the session process uses it. Made without arguments, at its start.

    A queue job's name is ``JOB.TASK``, as its supervisor finds it in its environment
    (`Scheduler.queue_job_template`). Three threads call it, each for one purpose: what is submitted
    and deleted, what is looked for in the queue, and what is written down about ends.

    Raises:
        Denied: It cannot be used here.

    Attributes:
        master: What does not answer when it is unreachable, as people call it.
        pauses: How often the queue is looked at.
        deletions: Queue jobs that `delete` takes at once, at most.
    """

    master: ClassVar[str]
    pauses: ClassVar[Pauses]
    deletions: ClassVar[int] = 1

    # -- the main thread -----------------------------------------------------------------------

    @abc.abstractmethod
    def open(self, contact: str) -> tuple[str, str]:
        """Connects with it.

        Args:
            contact: What this returned in another process, to take over from it, or empty.

        Returns:
            The name of the system, and what another process needs to take over: not empty.

        Raises:
            Unreachable: It does not answer.
            Denied: It is another system, or one that this host has no part in.
        """

    @abc.abstractmethod
    def check_host(self) -> None:
        """Finds out whether this host may submit queue jobs, without one.

        Raises:
            Unreachable: It does not answer.
            Denied: It may not.
        """

    @abc.abstractmethod
    def submit(self, order: Submit, count: int) -> list[str]:
        """Starts one array of ``count`` tasks, and returns their names.

        Raises:
            Unreachable, Limited, TooLarge, Denied: It was not taken.
        """

    def endings(self, live: Iterable[str]) -> Iterator[Ending]:  # told nothing
        """Yields queue jobs that have ended since the last call; nothing by default.

        Called several times a second.

        Args:
            live: The names of all that are not known to have ended.

        Raises:
            Unreachable: It does not answer.
        """
        yield from ()

    def recount(self, queue_jobs: Sequence[str]) -> Iterator[Ending]:  # as above
        """Yields those that ended while nobody was there; nothing by default: they will be missed.

        Args:
            queue_jobs: Those that another process had submitted.
        """
        yield from ()

    @abc.abstractmethod
    def delete(self, queue_jobs: Sequence[str]) -> None:
        """Deletes queue jobs, those of them that are there.

        Raises:
            Unreachable: It does not answer; all are tried again.
        """

    def close(self) -> None:  # noqa: B027  # most have nothing to close
        """Ends the session; queue jobs stay."""

    @abc.abstractmethod
    def identity(self) -> Mapping[str, str]:
        """Returns what a session's file says of it.

        That is ``system``, by which `gridengine.schedulers.queue_session.leftovers` finds what can
        clear up; ``driver``, the queue job in which this process runs, empty if in none; and what
        tells it from others of its kind.
        """

    # -- the thread that looks at the queue ----------------------------------------------------

    @abc.abstractmethod
    def states(self, queue_jobs: frozenset[str]) -> dict[str, QueueState]:
        """Returns how those of some queue jobs stand that are in the queue, by one look.

        Raises:
            Unreachable: It does not answer; the message says why.
            NotTold: It never will.
        """

    @abc.abstractmethod
    def error_reasons(self, queue_jobs: frozenset[str]) -> dict[str, str]:
        """Returns why queue jobs are in error, in the batch system's words."""

    @abc.abstractmethod
    def wait_reasons(self, questions: Sequence[WaitQuestion]) -> Iterator[WaitReason]:
        """Yields why queue jobs have not started."""

    # -- the thread that asks for what is written down -----------------------------------------

    @abc.abstractmethod
    def accounts(self, job: str, queue_jobs: Mapping[str, float | None]) -> dict[str, Record]:
        """Returns what is written down about those of some queue jobs that are over.

        Args:
            job: The array of which all are.
            queue_jobs: When each was submitted, in seconds since 1970, None if nobody knows: what
                is written about others of the same number does not count.

        Raises:
            CommandSlow, CommandMissing: It cannot be told; see `commands`.
        """

    @abc.abstractmethod
    def account_delay(self) -> float:
        """Returns the seconds after an end in which it may not be written down yet."""

    def unaccounted(self, queue_job: str, submitted: float | None) -> Record:
        """Returns what is known of the end of one about which nothing is written down."""
        return {}
