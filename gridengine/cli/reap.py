"""Finds what programs that were killed have left behind, and ends it.

Everything ends by itself when a program ends, however it does. Only if the program and its
session process are killed at once, nobody is left to delete the queue jobs that wait; and only if
a whole host falls, nobody removes the folders.

Nothing here is touched that is not proven to be this user's and to be left behind: what cannot be
proven is only reported. What is read is looked at as a supervisor looks at its launch file, and
what is run is the user's own: no file and no other user's process says what to open or to run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from ..errors import SchedulerError
from ..schedulers.queue_session import leftovers
from ..schedulers.queue_session.leftovers import SessionFile
from ..settings import Settings
from ..transport import private_files, viewer_messages
from ..transport.process_identity import ProcessIdentity, namespace_of
from ..transport.run_folders import RunFolder

_SUPERVISOR = re.compile(
    r"[^\0]+\0(?:-[WX]\0[^\0]*\0|-[^\0]+\0)*[^\0]*/gridengine/worker\0([1-9][0-9]*)", re.ASCII
)
"""The command of a local supervisor: an interpreter with its options, the program, and the process
id of whoever has started it. What starts another command, `sh` say, has words in between."""

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
    given = private_files.run_folder(settings.run_dir)
    try:
        run_dir = Path(private_files.without_link(given))
    except OSError as error:
        yield Finding(f"sessions and run folders: {error}", trouble=True)
        yield from _supervisors()
        return
    # Read before the first of them is removed.
    sessions = list(_session_files(run_dir / "sessions"))
    for session in sessions:
        yield session if isinstance(session, Finding) else _session(session)
    yield from _supervisors()
    yield from _run_folders(run_dir, [s for s in sessions if isinstance(s, SessionFile)])
    yield from _sockets(str(run_dir / viewer_messages.FOLDER))


def _names(folder: Path) -> list[str]:
    """Returns what lies in a private folder, nothing if it is not there.

    Raises:
        OSError: It cannot be read, or is not private.
    """
    try:
        descriptor = private_files.open_folder(str(folder))
    except FileNotFoundError:
        return []
    try:
        return sorted(os.listdir(descriptor))
    finally:
        os.close(descriptor)


# -- queue jobs -------------------------------------------------------------------------------


def _session_files(folder: Path) -> Iterator[SessionFile | Finding]:
    try:
        names = _names(folder)
    except OSError as error:
        yield Finding(f"sessions: {error}", trouble=True)
        return
    for path in (folder / name for name in names if re.fullmatch(r"[^.].*\.json", name)):
        try:
            yield SessionFile.read(path)
        except FileNotFoundError:
            continue  # It has just come to its end.
        except OSError as error:
            yield Finding(f"session file {path}: {error}", trouble=True)
        except ValueError as error:
            remove = f"rm {shlex.quote(str(path))}"
            remove = f"if none of the queue jobs in it is in the queue (qstat, squeue): {remove}"
            yield Finding(f"session file {path}: {error}; {remove}", trouble=True)


def _session(session: SessionFile) -> Finding:
    program = session.program
    name = f"session {session.session.pid} of program {program.pid} on {program.host}"
    jobs = _jobs(session.arrays)
    try:
        if reason := _reason_to_leave(session):
            return Finding(f"{name}: {reason} ({jobs})")
        arrays = leftovers.queue_of(session).in_queue(session)
    except SchedulerError as error:
        return Finding(f"{name}: {error} ({jobs})", trouble=True)
    clear = functools.partial(_clear, session, arrays)
    if not arrays:
        return Finding(f"file of {name}, which is gone, with all its queue jobs", "remove", clear)
    return Finding(f"{_jobs(arrays)} of {name}, which is gone", "delete", clear)


def _reason_to_leave(session: SessionFile) -> str:
    """Returns why a session may not be gone, or is not to be touched; or nothing.

    Raises:
        SchedulerError: The batch system cannot be asked.
    """
    queue = leftovers.queue_of(session)
    if elsewhere := queue.another_site(session):
        return elsewhere
    lives = session.session.lives(), session.program.lives()
    if None not in lives:
        return "it runs" if lives[0] else "its program runs" if lives[1] else ""
    if not session.driver:
        reason = session.session.unknown_because() or session.program.unknown_because()
        return f"{reason}; if it is gone: {_commands(session)}"
    # The batch system knows of a program that runs in a queue job.
    over = queue.program_is_over(session)
    return "" if over else f"its program's queue job {session.driver} is not over"


def _commands(session: SessionFile) -> str:
    """Returns by what a user clears up after a session."""
    delete = leftovers.queue_of(session).by_hand(session.arrays)
    remove = f"rm {shlex.quote(str(session.path))}"
    return f"{delete}; {remove}" if session.arrays else remove


def _clear(session: SessionFile, arrays: list[leftovers.Array]) -> None:
    leftovers.queue_of(session).delete(session, arrays)
    session.path.unlink(missing_ok=True)


def _jobs(arrays: tuple[leftovers.Array, ...] | list[leftovers.Array]) -> str:
    if not arrays:
        return "no queue jobs"
    numbers = ", ".join(array.job for array in arrays)
    return f"queue job{'s' if len(arrays) > 1 else ''} {numbers}"


# -- processes --------------------------------------------------------------------------------


def _supervisors() -> Iterator[Finding]:
    """Local supervisors whose program is gone; those of queue jobs end by themselves."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            program = _program_of(process)
            # A worker, being a fork of its supervisor, has the same command.
            if program is None or _is_worker(process, program):
                continue
            what = f"supervisor {process.pid}"
            if namespace_of(process.pid) != namespace_of("self"):
                yield Finding(f"{what}: it is in another PID namespace (a container): run it there")
            elif _is_gone(program, process):
                yield Finding(
                    f"{what}, whose program is gone", "end", functools.partial(_end, process)
                )


def _program_of(process: psutil.Process) -> int | None:
    """Returns the program of a local supervisor, None if a process is none of this user's."""
    user = os.geteuid()
    ids = process.uids()
    # What another user has started is looked at no further: its command says what he likes.
    if ids.real != user or ids.effective != user:
        return None
    command = "\0".join(process.cmdline())
    found = _SUPERVISOR.fullmatch(command)
    return int(found[1]) if found else None


def _is_worker(process: psutil.Process, program: int) -> bool:
    try:
        parent = process.parent()
        return parent is not None and _program_of(parent) == program
    except psutil.Error:
        return False


def _is_gone(program: int, supervisor: psutil.Process) -> bool:
    """Tells whether the program of a supervisor is none of the processes that there are."""
    if supervisor.ppid() == program:
        return False
    began, lives = ProcessIdentity.of(supervisor.pid), ProcessIdentity.of(program)
    # One that began after its supervisor only has the number.
    return lives.lives() is False or lives.start > began.start > 0


def _end(process: psutil.Process) -> None:
    # By the process that was looked at, not by its number: psutil sees if another one has it.
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        # One that was stopped would not hear it.
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_PATIENCE)
        except psutil.TimeoutExpired:
            process.kill()


# -- folders ----------------------------------------------------------------------------------


def _run_folders(run_dir: Path, sessions: list[SessionFile]) -> Iterator[Finding]:
    try:
        names = _names(run_dir)
    except OSError as error:
        yield Finding(f"run folders: {error}", trouble=True)
        return
    for path in (run_dir / name for name in names if name.startswith("run-")):
        remove = f"if its program is gone: rm -r {shlex.quote(str(path))}"
        try:
            folder = RunFolder.read(str(path))
        except FileNotFoundError:
            continue  # It has just come to its end.
        except (OSError, ValueError) as error:
            yield Finding(f"folder {path}: {error}; {remove}")
            continue
        lives = folder.program.lives()
        if lives is None and not _is_over(folder.program, sessions):
            yield Finding(f"folder {path}: {folder.program.unknown_because()}; {remove}")
        elif lives:
            yield Finding(f"folder {path}: its program runs")
        else:
            act = functools.partial(_remove, folder)
            yield Finding(f"folder {path}, whose program is gone", "remove", act)


def _is_over(program: ProcessIdentity, sessions: list[SessionFile]) -> bool:
    """Tells whether a program ran in a queue job that is over, by the batch system's word."""
    try:
        return any(
            session.program == program
            and not leftovers.queue_of(session).another_site(session)
            and leftovers.queue_of(session).program_is_over(session)
            for session in sessions
        )
    except SchedulerError:
        return False  # As it says of the session.


def _remove(folder: RunFolder) -> None:
    if left := folder.remove():
        raise OSError(f"not all of it: {'; '.join(left)}")


# -- sockets ----------------------------------------------------------------------------------


def _sockets(folder: str) -> Iterator[Finding]:
    """Those at which programs could be watched, until they were killed."""
    try:
        place = private_files.open_folder(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Finding(f"sockets of programs: {error}", trouble=True)
        return
    try:
        left = viewer_messages.left_behind(place, folder)
    finally:
        os.close(place)
    for path in left:
        act = functools.partial(viewer_messages.remove, path)
        yield Finding(f"socket {path}, whose program is gone", "remove", act)
