"""Jobs that a module starts when it is imported, as each of their workers imports it, and so on."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

#: Modules whose frames stand between an import and the module that it executes.
_MACHINERY = ("importlib._bootstrap", "importlib._bootstrap_external")


def refuse_in_import() -> None:
    """Raises, in a worker, while it imports a module to unpack what it was sent.

    The workers of those jobs would import it for the same reason, and theirs, without an end. What
    a job imports by itself may start jobs.

    Raises:
        SchedulerError: It does; the message says what to write.
    """
    frame: FrameType | None = sys._getframe(1)
    module = ""
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            module = module or _module_of(frame)
        elif module and _is_by_unpacking(frame):
            from ..errors import SchedulerError

            raise SchedulerError(
                f"module {module!r} starts jobs when it is imported, and workers import it to find "
                "what they are sent: it would never end. Start them in a function that the program "
                'calls, or under `if __name__ == "__main__":`'
            )
        frame = frame.f_back


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _is_by_unpacking(frame: FrameType) -> bool:
    """Returns True for the outermost frame of an import that this package needs to unpack."""
    caller = frame.f_back
    if caller is None:
        return False
    package, _, part = _module_of(caller).partition(".")
    if package != __name__.partition(".")[0]:
        return False
    # To call `importlib.import_module` may be a job.
    return _module_of(frame) in _MACHINERY or (
        _module_of(frame) == "importlib" and part.startswith("serialization")
    )
