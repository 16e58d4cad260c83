"""A worker's stack, which it writes to a file that it shares with its supervisor.

There are two ways, each by a signal. By `STACK_WANTED` Python itself writes the stacks of all
threads as soon as it comes to it: in Python code, and in whatever waits in Python's own way. By
`STACK_FORCED` `faulthandler` writes that of the job's thread on the spot, in C code too, whoever
holds the interpreter's lock; but where Python code runs, it may find a frame half made, and crash:
one in some hundred did, with CPython 3.10 to 3.13. So it is for a thread that is in C code.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO


def _real_time_signal(from_the_end: int, otherwise: str) -> int:
    # Of the last ones: who uses any takes them from the front, and valgrind has the very last.
    last = getattr(signal, "SIGRTMAX", None)
    # macOS has none; there it is one that does nothing where it is not expected.
    return int(getattr(signal, otherwise)) if last is None else last - from_the_end


STACK_WANTED = _real_time_signal(1, "SIGINFO")
"""Has a worker write the stacks of all threads, when Python comes to it."""

STACK_FORCED = _real_time_signal(2, "SIGIO")
"""Has a worker write the stack of the job's thread on the spot."""

#: Around what is written by `STACK_WANTED`.
_MARK = b"\0"

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

#: How the frames begin that stand below those of the package: the start of the interpreter.
_START = ('  File "<frozen runpy>"', f'  File "{os.__file__.replace("os.py", "runpy.py")}"')

#: As `faulthandler` has them.
_JOBS_THREAD = ("Current thread ", "Stack ")
_CUT_OFF = "  ..."


def write_when_asked(file: IO[bytes]) -> None:
    """Has this process write to ``file`` where it is, by either signal."""
    descriptor = file.fileno()
    # Without the lock that the handler holds, the others would run while they are looked at.
    every = bool(getattr(sys, "_is_gil_enabled", lambda: True)())

    def write(*_: object) -> None:
        # A job may have closed it.
        try:
            os.write(descriptor, _MARK)
            faulthandler.dump_traceback(descriptor, all_threads=every)
            os.write(descriptor, _MARK)
        except OSError:
            return

    signal.signal(STACK_WANTED, write)
    faulthandler.register(STACK_FORCED, file=file, all_threads=False, chain=False)


def written_when_wanted(data: bytes) -> str:
    """Returns what was written by `STACK_WANTED`, empty if it is not complete."""
    parts = data.split(_MARK)
    complete = len(parts) > 2 and not parts[-1]
    return for_people(parts[-2]) if complete else ""


def written_when_forced(data: bytes) -> str:
    """Returns what was written by `STACK_FORCED`, empty if it is not complete."""
    lines = _lines(data)
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
    # The supervisor's first frame is that of its workers too.
    start, end = f'  File "{frame.f_code.co_filename}", ', f" in {frame.f_code.co_name}"
    last = lines[-1] if lines and data.endswith(b"\n") else ""
    complete = last == _CUT_OFF or (last.startswith(start) and last.endswith(end))
    return for_people(data) if complete else ""


def for_people(data: bytes) -> str:
    """Returns the stacks in a dump, that of the job's thread first, without the worker's frames."""
    threads: list[list[str]] = []
    for line in _lines(data):
        if line.startswith(" ") and threads:
            threads[-1].append(line)
        elif line:
            threads.append([line])
    threads.sort(key=lambda thread: not thread[0].startswith(_JOBS_THREAD))
    if threads and threads[0][0].startswith(_JOBS_THREAD):
        threads[0] = ["The job's thread (most recent call first):", *_own_frames(threads[0][1:])]
    return "\n\n".join("\n".join(thread) for thread in threads)


def waits_for_work(data: bytes) -> bool:
    """Tells whether a dump is of a worker that runs no job."""
    start = f'  File "{_PACKAGE}{os.sep}worker{os.sep}worker.py", '
    return any(line.startswith(start) and line.endswith(" in _receive") for line in _lines(data))


def _lines(data: bytes) -> list[str]:
    return data.replace(_MARK, b"").decode("utf-8", errors="replace").splitlines()


def _own_frames(frames: list[str]) -> list[str]:
    """Returns the job's frames out of those of the thread that it runs in."""
    first, end = 0, len(frames)
    while first < end and frames[first].startswith(f'  File "{os.path.abspath(__file__)}"'):
        first += 1
    package = f'  File "{_PACKAGE}{os.sep}'
    while first < end and frames[end - 1].startswith((package, *_START)):
        end -= 1
    # What is the package's own from end to end is a job too: of a function of its, say.
    return frames[first:end] or frames
