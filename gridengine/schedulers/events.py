"""What a session says: how a request for queue jobs fared, and how each of them ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..states import DeathCause


class End(NamedTuple):
    """What the batch system, or the kernel, says about the end of a queue job.

    It is evidence for `gridengine.errors.Death`, not truth: the worker's own word comes first.

    Attributes:
        exitcode: Exit status of the command, -N for signal N, None if unknown.
        cause: What ended it, as far as the scheduler can tell.
        peak_memory: In bytes, 0 if unknown.
        requested_memory: Granted memory in bytes, 0 if not limited.
        needed_memory: What it would have needed at least, in bytes, 0 if unknown.
        wall_time: Seconds that it ran, 0 if it never did.
        detail: The batch system's own words.
        advice: What a user should do about it, empty if nothing is known.
        final: Whether that is all; if not, an `Explained` follows.
        by_others: Whether somebody else than this program has deleted it, as far as is known: a
            person, by ``qdel`` or ``scancel``.
    """

    exitcode: int | None = None
    cause: DeathCause = DeathCause.UNKNOWN
    peak_memory: int = 0
    requested_memory: int = 0
    needed_memory: int = 0
    wall_time: float = 0.0
    detail: str = ""
    advice: str = ""
    final: bool = True
    by_others: bool = False


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


class Explained(NamedTuple):
    """What is known by now of the end of a queue job that is over.

    Said once, and soon, for each whose `End` was not final.
    """

    queue_job: str
    end: End


class Stuck(NamedTuple):
    """A queue job will not start by itself (Grid Engine's Eqw); ``reason`` says why.

    The session leaves it in the queue: the dispatcher decides whether to stop it.
    """

    queue_job: str
    reason: str


class Waiting(NamedTuple):
    """A queue job has waited for long; ``reason`` is the batch system's.

    Attributes:
        queue_job: It.
        reason: What it waits for.
        others: Further ones that wait for the same.
        aloud: Whether the log shall have it.
    """

    queue_job: str
    reason: str
    others: tuple[str, ...] = ()
    aloud: bool = True

    @property
    def text(self) -> str:
        """What a person who waits would want to read."""
        return f"queue job {self.queue_job} waits: {self.reason}"


class Delayed(NamedTuple):
    """The batch system does not take a batch, or the rest of it, yet; ``reason`` says why."""

    batch: int
    reason: str


class Standing(NamedTuple):
    """How queue jobs stand that were asked about, or have just been suspended or resumed.

    Attributes:
        queue_jobs: They.
        suspended: By what those of them are suspended that are; the others are not, or nobody can
            tell.
    """

    queue_jobs: tuple[str, ...]
    suspended: Mapping[str, str]


class Notice(NamedTuple):
    """Something that a person who waits would want to read in the log."""

    text: str


Event = Submitted | Refused | Ended | Explained | Stuck | Waiting | Delayed | Standing | Notice
