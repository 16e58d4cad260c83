"""A breakpoint in a job says what to do: there is no keyboard for a debugger."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

from .on_import import when_imported

#: Asks for what is used if nobody asks for another debugger.
_USUAL = ("", "pdb.set_trace")


def explain_breakpoints() -> None:
    """Has ``breakpoint()`` and ``pdb.set_trace()`` raise in this process.

    But ``PYTHONBREAKPOINT`` is heeded, and so is who sets `sys.breakpointhook`.
    """
    sys.breakpointhook = _hook
    when_imported("pdb", _replace_set_trace)


def _hook(*args: Any, **kwargs: Any) -> Any:
    # Python looks at it anew each time, and so may the program have changed it.
    if os.environ.get("PYTHONBREAKPOINT", "") not in _USUAL:
        return sys.__breakpointhook__(*args, **kwargs)
    raise _error("breakpoint()", sys._getframe(1))


def _replace_set_trace() -> None:
    import pdb

    def explain(*_: object, **__: object) -> None:
        raise _error("pdb.set_trace()", sys._getframe(1))

    pdb.set_trace = explain


def _error(what: str, frame: FrameType) -> Exception:
    from ..errors import BreakpointError

    code = frame.f_code
    return BreakpointError(
        f"{what} in {code.co_name}, {code.co_filename}:{frame.f_lineno}: a job has no keyboard. "
        "Run all jobs in the program itself, with scheduler='inline' "
        "(GRIDENGINE_SCHEDULER=inline), or this one again, where you have caught this: "
        "error.replay(). PYTHONBREAKPOINT=0 passes breakpoints over. "
        "docs/debugging.md says more"
    )
