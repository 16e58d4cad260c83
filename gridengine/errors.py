"""What can go wrong, as a tree.

::

    GridEngineError
    ├── PackingError            (also a TypeError)
    ├── UnpackingError
    ├── TimeoutError            (also the builtin TimeoutError)
    ├── BreakpointError
    ├── SchedulerError
    │   └── SchedulerUnavailable
    └── JobError
        ├── InitializerError
        ├── JobCancelled
        ├── JobExited
        ├── JobTimeout          (also the builtin TimeoutError)
        └── JobDied

An exception that a job's own function raises is none of these: it arrives as
itself, with the worker's traceback as its ``__cause__``.
"""

from __future__ import annotations

import builtins
import errno
from collections.abc import Callable
from typing import Any, NamedTuple

from .logs import printable
from .states import DeathCause


class GridEngineError(Exception):
    """Anything that this package raises by itself.

    Its text may quote other hosts, files and the batch system: control characters in that are
    shown as escapes. ``args`` has it as it came.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class PackingError(GridEngineError, TypeError):
    """An object cannot travel to another process; the message says which one and where it is."""


class UnpackingError(GridEngineError):
    """What arrived from another process cannot be rebuilt here."""


class TimeoutError(GridEngineError, builtins.TimeoutError):
    """The time that the caller gave for waiting is over; what was waited for goes on."""


class BreakpointError(GridEngineError):
    """A job has come to a breakpoint, where no debugger can be: it has no keyboard.

    The message says where, and how the job runs in the program itself.
    """


class SchedulerError(GridEngineError):
    """A scheduler could not start, watch or stop workers."""


class SchedulerUnavailable(SchedulerError):
    """A scheduler cannot be used here at all; the message says what is missing."""


class JobError(GridEngineError):
    """A job ended without a value, and not by an exception of its own function."""

    _again: Callable[[], Any] | None = None

    def replay(self) -> Any:
        """Runs the call again, in this process; see `gridengine.replay`, which says more.

        Of a `JobDied` that is what has killed a worker, and may end this program.

        Returns:
            What it returns.

        Raises:
            BaseException: What it raises.
            ValueError: Its arguments are not there, as of a job that was cancelled.
        """
        if self._again is None:
            raise ValueError("this failure has nothing with it to be run again")
        return self._again()


class InitializerError(JobError):
    """The scheduler's ``initializer`` raised in the worker that was to run the job.

    The message names what it raised; the traceback in the worker is its ``__cause__``. No job of
    that worker is run.
    """


class JobCancelled(JobError):
    """The job was taken back before it ended, by the program that submitted it."""


class JobExited(JobError):
    """The job called ``sys.exit`` with something else than success.

    Attributes:
        exitcode: The status that a process would have ended with.
    """

    def __init__(self, message: str, exitcode: int = 1) -> None:
        super().__init__(message, exitcode)
        self.exitcode = exitcode

    def __str__(self) -> str:
        return printable(str(self.args[0]))


class JobTimeout(JobError, builtins.TimeoutError):
    """The job ran longer than its ``timeout`` and was ended for it."""


class Death(NamedTuple):
    """The facts of a job's death, as far as they are known.

    Attributes:
        job: Name of the job.
        index: Number of the call within its map, None for a single job.
        input: Short text of the arguments.
        host: Name of the host on which it died, empty if it never reached one.
        pid: Process id of the worker there, 0 if unknown.
        attempt: Number of the attempt that died, from 1.
        exitcode: What the worker exited with, -N for signal N, None if unknown.
        signal: Name of the signal that ended the worker, such as ``SIGKILL``, or None.
        cause: What killed it.
        peak_memory: Largest resident memory of the worker in bytes, 0 if unknown; or that of it and
            all that it has started, as it was seen from time to time, if that is more.
        requested_memory: Memory that the batch system had granted, in bytes, 0 if not limited.
        needed_memory: Memory that it would have needed at least, in bytes, 0 if unknown.
        wall_time: Seconds from the hand-out of the attempt to its end.
        cpu_time: Seconds of processor time that the attempt has had, 0 if unknown.
        output: Last lines that the worker wrote.
        detail: What the batch system says about it.
        advice: What to do about it, empty if nothing is known.
    """

    job: str = ""
    index: int | None = None  # type: ignore[assignment]  # hides tuple's, which nobody needs
    input: str = ""
    host: str = ""
    pid: int = 0
    attempt: int = 0
    exitcode: int | None = None
    signal: str | None = None
    cause: DeathCause = DeathCause.UNKNOWN
    peak_memory: int = 0
    requested_memory: int = 0
    needed_memory: int = 0
    wall_time: float = 0.0
    cpu_time: float = 0.0
    output: str = ""
    detail: str = ""
    advice: str = ""

    def __str__(self) -> str:
        lines = [f"{self._who()} died: {self.cause.value}{self._how()}"]
        lines.append(f"  {self._where()}")
        if self.detail:
            lines.append(f"  batch system: {self.detail}")
        if self.advice:
            lines.append(f"  advice: {self.advice}")
        if self.output:
            lines.append("  last output:")
            lines.extend(f"    {line}" for line in self.output.splitlines()[-20:])
        return printable("\n".join(lines))

    def _who(self) -> str:
        call = f" call {self.index}" if self.index is not None else ""
        given = f" with {self.input}" if self.input else ""
        return f"job {self.job!r}{call}{given}"

    def _how(self) -> str:
        if self.signal is not None:
            return f" ({self.signal})"
        return "" if self.exitcode is None else f" (exit status {self.exitcode})"

    def _where(self) -> str:
        place = f"on {self.host}, process {self.pid}, " if self.host else ""
        memory = f", peak memory {format_bytes(self.peak_memory)}" if self.peak_memory else ""
        if self.needed_memory:
            memory += f", needed {format_bytes(self.needed_memory)}"
        if self.requested_memory:
            memory += f" of {format_bytes(self.requested_memory)} requested"
        cpu = f", {_format(self.cpu_time)} s of processor time" if self.cpu_time else ""
        return f"{place}attempt {self.attempt}, after {_format(self.wall_time)} s{cpu}{memory}"


class JobDied(JobError):
    """The process that ran the job ended before the job did: its death certificate.

    Every field of `Death` is an attribute of the exception too.

    Attributes:
        death: All the facts in one record.
    """

    death: Death
    job: str
    index: int | None
    input: str
    host: str
    pid: int
    attempt: int
    exitcode: int | None
    signal: str | None
    cause: DeathCause
    peak_memory: int
    requested_memory: int
    needed_memory: int
    wall_time: float
    cpu_time: float
    output: str
    detail: str
    advice: str

    def __init__(self, death: Death) -> None:
        super().__init__(death)
        self.death = death
        # One record for the code, and the same names for the reader at the prompt.
        vars(self).update(death._asdict())

    def __str__(self) -> str:
        return str(self.death)


def reason_of(error: OSError | RuntimeError) -> str:
    """Returns why the system has refused something, and what can be done about it.

    A RuntimeError is what Python makes of it where there is no room for another thread.
    """
    if isinstance(error, RuntimeError):
        return f"{error}; {_ADVICE[errno.EAGAIN]}"
    advice = _ADVICE.get(error.errno or 0)
    return f"{error.strerror or error}{f'; {advice}' if advice else ''}"


_OPEN_FILES = "close some, or raise the limit of open files (ulimit -n)"
_ADVICE = {
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.EAGAIN: "the limit of processes (ulimit -u, or of the control group) is reached",
    errno.ENOMEM: "the limit of memory (ulimit -v, or of the control group) is reached",
}


def format_bytes(count: int) -> str:
    """Returns ``count`` bytes in the batch system's manner: ``1.1G``, ``512M``, ``64K``."""
    size = float(count)
    for unit in ("", "K", "M", "G"):
        if size < 1024:
            return f"{_format(size)}{unit}"
        size /= 1024
    return f"{_format(size)}T"


def _format(number: float) -> str:
    # Three digits, but no powers of ten where there are more before the point.
    return f"{number:.0f}" if number >= 1000 else f"{number:.3g}"
