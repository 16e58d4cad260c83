"""Finds what programs that were killed have left behind, and ends it.

Everything ends by itself when a program ends, however it does. Only if the program and its
session process are killed at once, nobody is left to delete the queue jobs that wait; and only if
a whole host falls, nobody removes the folders.

Nothing here is touched that is not proven to be this user's and to be left behind: what cannot be
proven is only reported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import re
import shutil
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from ..errors import SchedulerError
from ..schedulers.grid_engine import leftovers
from ..schedulers.grid_engine.leftovers import SessionFile
from ..settings import Settings

_CLOCKS = 3600.0
"""Seconds by which a clock may have been set meanwhile, or a file server's be another than this
host's. A process that began later than that has the number of one that is gone."""

_PATIENCE = 5.0
"""Seconds that a supervisor gets to end its workers, before it is killed."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that was left behind, or might have been.

    Attributes:
        what: It, in words.
        verb: What is to be done with it, empty if it is left alone.
        act: Does it. May raise `gridengine.errors.SchedulerError` or OSError.
        trouble: Whether it is left alone because something did not work.
    """

    what: str
    verb: str = ""
    act: Callable[[], None] = lambda: None
    trouble: bool = False


def findings(settings: Settings) -> Iterator[Finding]:
    """Yields what there is, in the order in which it is to be ended."""
    run_dir = Path(os.path.abspath(os.path.expanduser(settings.run_dir or "~/.gridengine")))
    # Read before the first of them is removed.
    elsewhere = _folders_of_other_hosts(run_dir)
    yield from _sessions(run_dir / "sessions")
    yield from _supervisors()
    yield from _run_folders(run_dir, elsewhere)


# -- queue jobs -------------------------------------------------------------------------------


def _sessions(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob("*.json")):
        try:
            session = SessionFile.read(path)
        except FileNotFoundError:
            continue  # It has just come to its end.
        except (OSError, ValueError) as error:
            yield Finding(f"session file {path}: {error}", trouble=True)
        else:
            yield _session(session)


def _session(session: SessionFile) -> Finding:
    name = f"session {session.session} of program {session.program} on {session.host}"
    jobs = _jobs(session.arrays)
    try:
        if reason := _reason_to_leave(session):
            return Finding(f"{name}: {reason} ({jobs})")
        arrays = leftovers.in_queue(session)
    except SchedulerError as error:
        return Finding(f"{name}: {error} ({jobs})", trouble=True)
    clear = functools.partial(_clear, session, arrays)
    if not arrays:
        return Finding(f"file of {name}, which is gone, with all its queue jobs", "remove", clear)
    return Finding(f"{_jobs(arrays)} of {name}, which is gone", "delete", clear)


def _reason_to_leave(session: SessionFile) -> str:
    """Returns why a session may not be gone, or nothing.

    Raises:
        SchedulerError: The Grid Engine cannot be asked.
    """
    if session.host != socket.gethostname():
        if not session.driver:
            return "it can be looked at on that host only"
        # The Grid Engine knows of a program that runs in a queue job.
        over = leftovers.program_is_over(session)
        return "" if over else f"its program's queue job {session.driver} is not over"
    if _is_session_process(session.session):
        return "it runs"
    return "its program runs" if _existed(session.program, session.since) else ""


def _clear(session: SessionFile, arrays: list[leftovers.Array]) -> None:
    leftovers.delete(session, arrays)
    session.path.unlink(missing_ok=True)


def _jobs(arrays: tuple[leftovers.Array, ...] | list[leftovers.Array]) -> str:
    if not arrays:
        return "no queue jobs"
    numbers = ", ".join(array.job for array in arrays)
    return f"queue job{'s' if len(arrays) > 1 else ''} {numbers}"


def _is_session_process(pid: int) -> bool:
    # By what it is, not by when it began: a clock that is set must not make it look dead.
    return any("drmaa_session" in word for word in _command_of(pid))


def _command_of(pid: int) -> list[str]:
    """Returns the command of this user's process ``pid``, nothing if there is none."""
    try:
        process = psutil.Process(pid)
        return process.cmdline() if process.uids().effective == os.geteuid() else []
    except psutil.Error:
        return []


def _existed(pid: int, since: float) -> bool:
    """Tells whether a process may be the one that had this number at a time since 1970."""
    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE
        return not dead and float(process.create_time()) < since + _CLOCKS
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


# -- processes --------------------------------------------------------------------------------


def _supervisors() -> Iterator[Finding]:
    """Local supervisors whose program is gone; those of queue jobs end by themselves."""
    for pid in psutil.pids():
        program = _program_of(pid)
        if program is not None and _is_orphan(pid, program):
            yield Finding(
                f"supervisor {pid}, whose program is gone", "end", functools.partial(_end, pid)
            )


def _is_orphan(pid: int, program: int) -> bool:
    """Tells whether a local supervisor of this program has got another parent."""
    with contextlib.suppress(psutil.Error):
        parent: int = psutil.Process(pid).ppid()
        # A worker, being a fork of its supervisor, has the same command.
        return parent != program and _program_of(parent) != program
    return False


def _program_of(pid: int) -> int | None:
    """Returns the program whose local supervisor a process is, None if it is none."""
    command = _command_of(pid)
    if len(command) < 3 or not command[-2].endswith("/gridengine/worker"):
        return None
    return int(command[-1]) if command[-1].isdecimal() else None


def _end(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        # One that was stopped would not hear it.
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_PATIENCE)
        except psutil.TimeoutExpired:
            process.kill()


# -- folders ----------------------------------------------------------------------------------


def _folders_of_other_hosts(run_dir: Path) -> dict[Path, SessionFile]:
    """Returns the run folders of programs that run, or ran, in queue jobs on other hosts."""
    found = {}
    for path in run_dir.glob("run-*/launch-*"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            _, noted = json.loads(path.read_text(encoding="utf-8"))["when_silent"]
            session = SessionFile.read(Path(noted))
            if session.host != socket.gethostname():
                found[path.parent] = session
    return found


def _run_folders(run_dir: Path, elsewhere: dict[Path, SessionFile]) -> Iterator[Finding]:
    here = re.compile(rf"run-{re.escape(socket.gethostname())}-(\d+)-\w+")
    for path in sorted(run_dir.glob("run-*")):
        match = here.fullmatch(path.name)
        if not _is_own_folder(path):
            yield Finding(f"{path}: it is no folder of this user's alone")
        elif path in elsewhere and _is_over(elsewhere[path]):
            yield _removable(path)
        elif match is None:
            yield Finding(f"folder {path}: it can be looked at on its own host only")
        elif _existed(int(match[1]), path.lstat().st_mtime):
            yield Finding(f"folder {path}: its program runs")
        else:
            yield _removable(path)


def _is_over(session: SessionFile) -> bool:
    try:
        return leftovers.program_is_over(session)
    except SchedulerError:
        return False  # As it says of the session.


def _removable(path: Path) -> Finding:
    return Finding(
        f"folder {path}, whose program is gone",
        "remove",
        functools.partial(_remove, path),
    )


def _remove(path: Path) -> None:
    # Another one may be at it, too.
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def _is_own_folder(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
    return private and status.st_uid == os.geteuid()
