"""What a session process that was killed has left in the queue, and how to delete it.

The session has noted its queue jobs in a file (`queue_session.process.registry`). A number in a
file is no proof: a batch system begins anew when its numbers are used up, or when it is installed
again. So a queue job counts as the session's only if its owner, its name and the time of its
submission are those that were noted.
"""

from __future__ import annotations

import abc
import dataclasses
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import SchedulerError
from ...transport import private_files
from ...transport.process_identity import ProcessIdentity
from .process import commands

SECONDS = 60.0
"""Seconds for one command; the master of a large site is busy at times."""

#: What clears up after the sessions of a batch system: a file must not choose what is imported.
_SYSTEMS = {
    "grid_engine": "..grid_engine.leftovers:GridEngineLeftovers",
    "slurm": "..slurm.leftovers:SlurmLeftovers",
}
#: What older files are of, which do not say it.
_FIRST = "grid_engine"


@dataclasses.dataclass(frozen=True)
class Array:
    """An array job, as it was noted.

    Attributes:
        job: Its number.
        tasks: How many queue jobs it has had.
        name: What people read in the queue.
        time: When it was submitted, in seconds since 1970.
    """

    job: str
    tasks: int
    name: str
    time: float


@dataclasses.dataclass(frozen=True)
class SessionFile:
    """What a session has noted.

    Attributes:
        path: Where.
        program: Which process the program is.
        session: Which one the session process is.
        driver: The queue job in which the program runs, empty if in none.
        identity: Which batch system it is: all that `BatchSystem.identity` had said.
        arrays: Those of which some queue jobs had not ended.
    """

    path: Path
    program: ProcessIdentity
    session: ProcessIdentity
    driver: str
    identity: Mapping[str, str]
    arrays: tuple[Array, ...]

    @classmethod
    def read(cls, path: Path) -> SessionFile:
        """Returns what is noted in a file.

        Raises:
            NotPrivate: Somebody else could have planted it.
            OSError: It cannot be read.
            ValueError: It is not the work of a session.
        """
        noted = json.loads(private_files.read_file(str(path)))
        try:
            found = cls(
                path=path,
                program=ProcessIdentity.from_json(noted["program"]),
                session=ProcessIdentity.from_json(noted["session"]),
                driver=_driver(noted["driver"]),
                identity={
                    "system": _FIRST,
                    **{n: e for n, e in noted.items() if isinstance(e, str)},
                },
                arrays=tuple(
                    Array(_number(job), int(each["tasks"]), str(each["name"]), float(each["time"]))
                    for job, each in noted["queue_jobs"].items()
                ),
            )
            if (system := noted.get("system", _FIRST)) not in _SYSTEMS:
                raise ValueError(f"it is of a batch system that is not known: {system!r}")
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is not what a session writes: {error!r}") from None
        return found


def _driver(queue_job: str) -> str:
    return queue_job and _number(queue_job.partition(".")[0]) and queue_job


def _number(job: str) -> str:
    # It will be an argument of commands.
    if not re.fullmatch(r"\d+", job):
        raise ValueError(f"{job!r} is no number of a queue job")
    return job


def queue_of(session: SessionFile) -> LeftoverQueue:
    """Returns the queue in which a session may have left something."""
    module, _, kind = _SYSTEMS[session.identity["system"]].partition(":")
    made: LeftoverQueue = getattr(importlib.import_module(module, __package__), kind)()
    return made


class LeftoverQueue(abc.ABC):
    """A batch system for somebody who has no session with it: by its commands alone.

    By this process's environment and the places of the system; what another one has written into a
    file must not choose which programs are run. All methods but `by_hand`, `own_job` and
    `another_site` raise `SchedulerError` if the batch system cannot be asked; the message says why.
    """

    # -- what differs between batch systems ----------------------------------------------------

    @abc.abstractmethod
    def another_site(self, session: SessionFile) -> str:
        """Returns why a session is of another such batch system than this one, or nothing."""

    @abc.abstractmethod
    def own_job(self) -> str:
        """Returns the number of the array in which this process runs, empty if in none."""

    @abc.abstractmethod
    def jobs(self) -> set[str]:
        """Returns the numbers of this user's jobs that are in the queue."""

    @abc.abstractmethod
    def holds(self, queue_job: str) -> bool:
        """Tells whether a queue job of this user is in the queue."""

    @abc.abstractmethod
    def is_ours(self, array: Array) -> bool:
        """Tells whether an array in the queue is the one that was noted."""

    @abc.abstractmethod
    def delete_array(self, array: Array) -> None:
        """Deletes an array."""

    @abc.abstractmethod
    def by_hand(self, arrays: Sequence[Array]) -> str:
        """Returns the command by which a user deletes arrays."""

    # -- what is asked of all ------------------------------------------------------------------

    def in_queue(self, session: SessionFile) -> list[Array]:
        """Returns those arrays of a session that are in the queue, and are the session's."""
        if not session.arrays:
            return []
        there = self.jobs()
        return [array for array in session.arrays if array.job in there and self.is_ours(array)]

    def program_is_over(self, session: SessionFile) -> bool:
        """Tells whether a program runs in a queue job that is over, by the batch system's word."""
        return bool(session.driver) and not self.holds(session.driver)

    def delete(self, session: SessionFile, arrays: Sequence[Array]) -> None:
        """Deletes arrays of a session."""
        reasons = [reason for array in arrays if (reason := self._deleted(array))]
        # What has ended meanwhile cannot be deleted, and need not be.
        if reasons and self.in_queue(dataclasses.replace(session, arrays=tuple(arrays))):
            raise SchedulerError("; ".join(reasons))

    def _deleted(self, array: Array) -> str:
        """Deletes an array; returns why that was not possible, or nothing."""
        try:
            self.delete_array(array)
        except SchedulerError as error:
            return str(error)
        return ""


def ask(program: str, *arguments: str, path: str | None = None) -> str:
    """Returns what a command prints.

    Args:
        program: Its name.
        arguments: They.
        path: Where it is, if it may be elsewhere than in the ``PATH``.

    Raises:
        SchedulerError: It does not say; the message says why.
    """
    try:
        return commands.run(program, *arguments, seconds=SECONDS, path=path)
    except commands.CommandMissing:
        raise SchedulerError(
            f"there is no {program} here, to tell whose queue jobs are whose"
        ) from None
    except commands.CommandSlow:
        raise SchedulerError(f"{program} has not answered within {SECONDS:g} s") from None
    except commands.CommandFailed as error:
        raise SchedulerError(f"{program}: {error}") from None
