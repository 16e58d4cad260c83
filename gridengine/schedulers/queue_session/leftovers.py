"""What a session process that was killed has left in the queue, and how to delete it.

The session has noted its queue jobs in a file (`queue_session.process.registry`). A number in a
file is no proof: the Grid Engine begins anew when its numbers are used up, or when it is installed
again. So a queue job counts as the session's only if its owner, its name and the time of its
submission are those that were noted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from ...errors import SchedulerError
from ...transport import private_files
from ...transport.interpreter import isolation
from ...transport.process_identity import ProcessIdentity
from ..grid_engine import drmaa_library
from ..grid_engine.batch_system.qstat import listed
from ..grid_engine.batch_system.timestamps import CLOCKS
from .process import commands

_SECONDS = 60.0  # for one command; the master of a large site is busy at times

_DELETE = (
    "import sys, types; sys.path = [*filter(None, sys.path)]; "
    "package = sys.modules['gridengine'] = types.ModuleType('gridengine'); "
    "package.__path__ = [sys.argv[1]]; sys.path += sys.argv[2:]; "
    "from gridengine.schedulers.grid_engine.batch_system.deletion import main; sys.exit(main())"
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
        program: Which process the program is.
        session: Which one the session process is.
        driver: The queue job in which the program runs, empty if in none.
        cell: Which Grid Engine it is: as `own_cell`.
        arrays: Those of which some queue jobs had not ended.
    """

    path: Path
    program: ProcessIdentity
    session: ProcessIdentity
    driver: str
    cell: tuple[str, str]
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
            return cls(
                path=path,
                program=ProcessIdentity.from_json(noted["program"]),
                session=ProcessIdentity.from_json(noted["session"]),
                driver=_driver(noted["driver"]),
                cell=(str(noted["SGE_ROOT"]), str(noted["SGE_CELL"])),
                arrays=tuple(
                    Array(_number(job), int(each["tasks"]), str(each["name"]), float(each["time"]))
                    for job, each in noted["queue_jobs"].items()
                ),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is not what a session writes: {error!r}") from None


def _driver(queue_job: str) -> str:
    return queue_job and _number(queue_job.partition(".")[0]) and queue_job


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
    there = _job_numbers(_ask("qstat", "-xml", "-u", commands.user()))
    return [array for array in session.arrays if array.job in there and _is_ours(array)]


def program_is_over(session: SessionFile) -> bool:
    """Tells whether a program runs in a queue job that is over, by the Grid Engine's word.

    Raises:
        SchedulerError: The Grid Engine cannot be asked; the message says why.
    """
    if not session.driver:
        return False
    told = _ask("qstat", "-xml", "-u", commands.user())
    return not list(listed(told, frozenset([session.driver])))


def delete(session: SessionFile, arrays: Sequence[Array]) -> None:
    """Deletes arrays of a session.

    Raises:
        SchedulerError: That was not possible; the message says why.
    """
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
    here, path = str(Path(__file__).parents[2]), filter(None, sys.path)
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
        _text(told, "JB_owner") == commands.user()
        and _text(told, "JB_job_name") == array.name != ""
        and abs(seconds - array.time) < CLOCKS
    )


def _text(tree: ElementTree.Element, tag: str) -> str:
    return next((element.text or "" for element in tree.iter(tag)), "").strip()


def _job_numbers(text: str) -> set[str | None]:
    tree = ElementTree.fromstring(text)  # noqa: S314  # the Grid Engine's own words
    return {element.findtext("JB_job_number") for element in tree.iter("job_list")}


def _ask(program: str, *arguments: str) -> str:
    try:
        with _own_root():
            return commands.run(program, *arguments, seconds=_SECONDS)
    except commands.CommandMissing:
        raise SchedulerError(
            f"there is no {program} here, to tell whose queue jobs are whose"
        ) from None
    except commands.CommandSlow:
        raise SchedulerError(f"{program} has not answered within {_SECONDS:g} s") from None
    except commands.CommandFailed as error:
        raise SchedulerError(f"{program}: {error}") from None


def own_cell() -> tuple[str, str]:
    """Returns which Grid Engine this process is at: its SGE_ROOT, empty if none, and its cell.

    By this process's environment and the places of the system, as a session's process has it; what
    another one has written into a file must not choose which programs are run.
    """
    root = os.environ.get("SGE_ROOT", "")
    if not root and (library := drmaa_library.find()) is not None:
        root = drmaa_library.root(library, os.environ) or ""
    return root, os.environ.get("SGE_CELL", "default")


@contextlib.contextmanager
def _own_root() -> Iterator[None]:
    """Has commands find the Grid Engine's files where nothing in the environment says it."""
    missing = not os.environ.get("SGE_ROOT") and own_cell()[0]
    if missing:
        os.environ["SGE_ROOT"] = missing
    try:
        yield
    finally:
        if missing:
            del os.environ["SGE_ROOT"]
