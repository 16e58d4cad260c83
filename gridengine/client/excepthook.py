"""What is done about a job that has failed and that nobody has asked about.

As `threading.excepthook` for threads, with another line for where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .job import Job


class ExceptHookArgs(NamedTuple):
    """What `gridengine.excepthook` is told of a job's failure.

    Attributes:
        exc_type: The type of the exception.
        exc_value: The exception, with the remote traceback as its cause.
        exc_traceback: Its traceback in this process: None, as a rule.
        job: The job, None if it was forgotten.
        name: The job's name.
        host: The host on which it failed, empty if it never reached one.
    """

    exc_type: type[BaseException]
    exc_value: BaseException
    exc_traceback: TracebackType | None
    job: Job | None
    name: str
    host: str


def _print(args: ExceptHookArgs, /) -> None:
    """Prints the traceback of a job that has failed and that nobody has asked about.

    Called once for each such job: in `Job.join`, or in a thread of its own when the job was let go
    of before anybody has looked at its `result` or `exception`, or at the end of the program. Not
    for one that was cancelled, nor for one that called ``sys.exit``, nor for the calls of a map,
    which raises itself. Assign another function to ``gridengine.excepthook`` to change it; it is
    called with one argument, an `ExceptHookArgs`.
    """
    import traceback

    if sys.stderr is None:
        return
    where = f" on {args.host}" if args.host else ""
    lines = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
    sys.stderr.write(f"Exception in job {args.name!r}{where}:\n{''.join(lines)}")
    sys.stderr.flush()


excepthook: Callable[[ExceptHookArgs], object] = _print


def call_excepthook(args: ExceptHookArgs) -> None:
    """Calls what ``gridengine.excepthook`` is now; what it raises is printed, and no more."""
    lobby = sys.modules[__package__.partition(".")[0]]
    try:
        lobby.excepthook(args)
    except Exception:
        if sys.stderr is not None:
            sys.stderr.write("Exception in gridengine.excepthook:\n")
        sys.excepthook(*sys.exc_info())
