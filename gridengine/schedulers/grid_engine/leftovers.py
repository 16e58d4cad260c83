"""What a session process that was killed has left in the queue, and how to delete it.

The session has noted its queue jobs in a file (`drmaa_session.registry`). A number in a file is
no proof: the Grid Engine begins anew when its numbers are used up, or when it is installed again.
So a queue job counts as the session's only if its owner, its name and the time of its submission
are those that were noted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pwd
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ...errors import SchedulerError
from ...transport.interpreter import isolation
from . import drmaa_library
from .drmaa_session import commands
from .drmaa_session.qstat import listed

_SECONDS = 60.0  # for one command; the master of a large site is busy at times
_CLOCKS = 600.0  # seconds by which the clocks of master and submit host may differ

_DELETE = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from drmaa_session.deletion import main; sys.exit(main())"
)


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
        host: The host of program and session process.
        program: Process id of the program.
        session: Process id of the session process.
        since: When the session began, in seconds since 1970.
        driver: The queue job in which the program runs, empty if in none.
        cell: The variables that say which Grid Engine it is.
        arrays: Those of which some queue jobs had not ended.
    """

    path: Path
    host: str
    program: int
    session: int
    since: float
    driver: str
    cell: dict[str, str]
    arrays: tuple[Array, ...]

    @classmethod
    def read(cls, path: Path) -> SessionFile:
        """Returns what is noted in a file.

        Raises:
            OSError: It cannot be read.
            ValueError: It is another user's, or not the work of a session.
        """
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
                raise ValueError("it is another user's, or no file")
            noted = json.load(file)
        try:
            return cls(
                path=path,
                host=str(noted["host"]),
                program=int(noted["program"]),
                session=int(noted["session"]),
                since=float(noted["since"]),
                driver=str(noted.get("driver", "")),
                cell={name: str(noted[name]) for name in ("SGE_ROOT", "SGE_CELL")},
                arrays=tuple(
                    Array(_number(job), int(each["tasks"]), str(each["name"]), float(each["time"]))
                    for job, each in noted["queue_jobs"].items()
                ),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is not what a session writes: {error!r}") from None


def _number(job: str) -> str:
    # It will be an argument of commands.
    if not re.fullmatch(r"\d+", job):
        raise ValueError(f"{job!r} is no number of a queue job")
    return job


def in_queue(session: SessionFile) -> list[Array]:
    """Returns those arrays of a session that are in the queue, and are the session's.

    Raises:
        SchedulerError: The Grid Engine cannot be asked; the message says why.
    """
    if not session.arrays:
        return []
    with _cell(session):
        there = _job_numbers(_ask("qstat", "-xml", "-u", _user()))
        return [array for array in session.arrays if array.job in there and _is_ours(array)]


def program_is_over(session: SessionFile) -> bool:
    """Tells whether a program runs in a queue job that is over, by the Grid Engine's word.

    Raises:
        SchedulerError: The Grid Engine cannot be asked; the message says why.
    """
    if not session.driver:
        return False
    with _cell(session):
        told = _ask("qstat", "-xml", "-u", _user())
    return not list(listed(told, frozenset([session.driver])))


def delete(session: SessionFile, arrays: Sequence[Array]) -> None:
    """Deletes arrays of a session.

    Raises:
        SchedulerError: That was not possible; the message says why.
    """
    with _cell(session):
        if commands.find("qdel") is None:
            _delete_by_drmaa(arrays)
            return
        reasons = [reason for array in arrays if (reason := _deleted(array))]
    # What has ended meanwhile cannot be deleted, and need not be.
    if reasons and in_queue(dataclasses.replace(session, arrays=tuple(arrays))):
        raise SchedulerError("; ".join(reasons))


def _deleted(array: Array) -> str:
    """Deletes an array; returns why that was not possible, or nothing."""
    try:
        _ask("qdel", array.job)
    except SchedulerError as error:
        return str(error)
    return ""


def _delete_by_drmaa(arrays: Sequence[Array]) -> None:
    library = drmaa_library.require()
    names = [f"{array.job}.{task + 1}" for array in arrays for task in range(array.tasks)]
    here, path = str(Path(__file__).parent), filter(None, sys.path)
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, *isolation(), "-c", _DELETE, here, *path],
            input="\n".join(names),
            env=drmaa_library.environment(library),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise SchedulerError(f"DRMAA: {error}") from None
    if done.returncode != 0:
        raise SchedulerError(f"DRMAA: {' '.join(done.stderr.split())[-500:]}")


def _is_ours(array: Array) -> bool:
    told = ElementTree.fromstring(_ask("qstat", "-j", array.job, "-xml"))  # noqa: S314
    seconds = float(_text(told, "JB_submission_time") or "0")
    if seconds > 1e11:  # Univa's are milliseconds
        seconds /= 1000
    return (
        _text(told, "JB_owner") == _user()
        and _text(told, "JB_job_name") == array.name != ""
        and abs(seconds - array.time) < _CLOCKS
    )


def _text(tree: ElementTree.Element, tag: str) -> str:
    return next((element.text or "" for element in tree.iter(tag)), "").strip()


def _job_numbers(text: str) -> set[str | None]:
    tree = ElementTree.fromstring(text)  # noqa: S314  # the Grid Engine's own words
    return {element.findtext("JB_job_number") for element in tree.iter("job_list")}


def _ask(program: str, *arguments: str) -> str:
    try:
        return commands.run(program, *arguments, seconds=_SECONDS)
    except commands.CommandMissing:
        raise SchedulerError(
            f"there is no {program} here, to tell whose queue jobs are whose"
        ) from None
    except commands.CommandSlow:
        raise SchedulerError(f"{program} has not answered within {_SECONDS:g} s") from None
    except commands.CommandFailed as error:
        raise SchedulerError(f"{program}: {error}") from None


def _user() -> str:
    # Not of LOGNAME: the Grid Engine goes by the user id, too.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


@contextlib.contextmanager
def _cell(session: SessionFile) -> Iterator[None]:
    """Has commands speak to the Grid Engine that the session was one of."""
    before = dict(os.environ)
    os.environ.update({name: value for name, value in session.cell.items() if value})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
