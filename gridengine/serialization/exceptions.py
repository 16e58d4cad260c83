"""Exceptions to bytes and back, with their tracebacks as text."""

from __future__ import annotations

import io
import pickle
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import UnpackingError
from ..logs import printable
from . import by_value
from .by_value.explain import short_repr
from .packed import Frame
from .serializer import UpwardPickler
from .source_lines import with_source_lines


class RemoteTraceback(Exception):  # as the standard library's own
    """The traceback of an exception as text, as it was in the worker; its ``__cause__`` here.

    When it is shown, lines of source that the worker could not have are shown as this program knows
    them: those of a notebook's cells and of the prompt, and of files that a node does not see.

    Attributes:
        again: Runs again what has raised the exception, None if that cannot be.
    """

    again: Callable[[], Any] | None = None

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return "\n" + with_source_lines(self.text.rstrip())


class FailureHere(bytes):
    """A packed exception of this very process, which has its frames too.

    Attributes:
        trace: Its traceback.
    """

    trace: types.TracebackType | None = None


class PackedError(NamedTuple):
    """An exception on its way; the texts serve where it cannot be rebuilt.

    Attributes:
        payload: The pickled exception, empty if it cannot be pickled.
        summary: Its type and message.
        traceback: Its traceback, with all causes.
    """

    payload: bytes
    summary: str
    traceback: str


def pack_error(error: BaseException) -> bytes:
    """Returns an exception ready to travel; never raises, and never needs frames."""
    payload = b""
    for pickler in (UpwardPickler, _SimplifyingPickler):
        try:
            attempt = _dump_in_band(pickler, error)
            if type(pickle.loads(attempt)) is type(error):
                payload = attempt
                break
        # Not only Exception: a constructor of the user's may well call sys.exit.
        except BaseException:  # noqa: S112
            continue
    return pickle.dumps(tuple(PackedError(payload, _summary(error), _text_of(error))), 5)


def unpack_error(packed: Frame) -> BaseException:
    """Returns the exception that `pack_error` was given, its remote traceback as its cause.

    One that cannot be rebuilt here becomes an `UnpackingError` with its type and text. One that was
    raised in this process has its own frames too, for a debugger.
    """
    try:
        payload, summary, text = pickle.loads(packed)
    except Exception as problem:
        return UnpackingError(f"the job raised an exception that arrived broken: {problem}")
    error: BaseException | None = None
    if payload:
        try:
            error = pickle.loads(payload)
        except BaseException:
            error = None
    if not isinstance(error, BaseException):
        error = UnpackingError(f"the job raised an exception that cannot travel: {summary}")
    # Past a class that lets nobody set its attributes.
    BaseException.__setattr__(error, "__cause__", RemoteTraceback(text))
    return error.with_traceback(packed.trace) if isinstance(packed, FailureHere) else error


def summary_of(packed: Frame) -> str:
    """Returns the type and the message of what `pack_error` was given; runs none of its code."""
    try:
        _, summary, _ = pickle.loads(packed)
    except Exception as problem:
        return f"an exception that arrived broken: {problem}"
    return str(summary)


def text_of(packed: Frame) -> str:
    """Returns the traceback of what `pack_error` was given; runs none of its code."""
    try:
        _, summary, text = pickle.loads(packed)
    except Exception as problem:
        return f"an exception that arrived broken: {problem}"
    return str(text or summary)


def add_note(error: BaseException, note: str) -> None:
    """Adds a line that a traceback shows under the exception (from Python 3.11 on)."""
    try:
        notes = [*(getattr(error, "__notes__", None) or ()), printable(note)]
        BaseException.__setattr__(error, "__notes__", notes)
    # A property of the user's; the cause still tells the place.
    except Exception:
        return


def _dump_in_band(pickler: type[pickle.Pickler], obj: object) -> bytes:
    out = io.BytesIO()
    pickler(out, 5).dump(obj)
    return out.getvalue()


def _reduce_simplified(obj: Any) -> Any:
    if isinstance(obj, BaseException):
        return by_value.reduce_exception(obj, _or_text)
    return by_value.reduce_upward(obj)


class _SimplifyingPickler(pickle.Pickler):
    """For exceptions: texts take the place of what in them cannot travel."""

    reducer_override: Any = staticmethod(_reduce_simplified)


def _or_text(value: object) -> object:
    try:
        pickle.loads(_dump_in_band(_SimplifyingPickler, value))
    except BaseException:
        return short_repr(value)
    return value


def _text_of(error: BaseException) -> str:
    import traceback  # as above

    try:
        lines = traceback.format_exception(type(error), error, below_the_worker(error))
        return "".join(lines)
    except BaseException:
        # __str__ and __repr__ are the user's code too.
        return f"{type(error).__name__} (its text cannot be had)\n"


def below_the_worker(error: BaseException) -> Any:
    """Returns the traceback of an exception, from the frame of the function that was called on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__package__") in _CALLERS:
        trace = trace.tb_next
    return trace or error.__traceback__


#: Where functions are called from: those of jobs, and those of ``gridengine map``.
_CALLERS = tuple(f"{__package__.partition('.')[0]}.{folder}" for folder in ("worker", "cli.lines"))


def _summary(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        return f"{kind}: {error}"
    except BaseException:
        return kind
