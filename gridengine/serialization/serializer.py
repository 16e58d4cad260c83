"""Objects to frames and back: arguments, functions, results, exceptions.

::

    object ──pack()──▶ payload (bytes) + frames (large buffers, uncopied) ──unpack()──▶ object

A payload that is large itself becomes the first of its frames, and is empty then.

The work is done by the C pickler of the standard library. Only what a worker could not import
is taken apart by `gridengine.serialization.by_value`; what even that cannot do, dill may.
"""

from __future__ import annotations

import functools
import io
import itertools
import pickle
import sys
import weakref
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NamedTuple

from ..errors import PackingError, UnpackingError
from ..settings import OUT_OF_BAND
from ..transport.shared_memory import Borrowed, Scattered, gather
from . import by_value
from .by_value.culprits import explain
from .by_value.culprits import short_repr as short_repr  # others look for it here
from .packed import Frame, Function, Packed


class Pickler(pickle.Pickler):
    """The C pickler; what a worker could not import it takes apart."""

    reducer_override: Any = staticmethod(by_value.reduce)


class _UpwardPickler(pickle.Pickler):
    reducer_override: Any = staticmethod(by_value.reduce_upward)


PLAIN = frozenset({int, float, bool, str, bytes, type(None), complex})
"""Types whose values plain pickle sends best, and rebuilds without anybody's code."""

_OF_ONE_SIZE = PLAIN - {str, bytes}

_FEW = 8

#: Packed functions that are known again when they are packed again; a megabyte or two, as a rule.
_REMEMBERED = 500


def pack(obj: object, what: str = "object", *, upward: bool = False) -> Packed:
    """Returns ``obj`` ready to travel.

    Args:
        obj: Anything; functions and classes of ``__main__`` too.
        what: How an error shall call it.
        upward: Whether it goes from a worker to the program that it works for, which has the
            classes that came from it: of these only their names travel back.

    Raises:
        PackingError: Something in ``obj`` cannot travel; the message says what and where.
    """
    if _is_small(obj):
        return pickle.dumps(obj, 5), ()
    pickler = _UpwardPickler if upward else Pickler
    try:
        return _dump(pickler, obj)
    except Exception as first:
        try:
            return _dump(_patient(pickler), obj)
        except Exception as error:
            raise PackingError(explain(obj, what, error, _refusal)) from first


def pack_arguments(arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Packed:
    """Returns the ``args, kwargs`` of a call ready to travel.

    Raises:
        PackingError: Something in them cannot travel; the message says what and where.
    """
    args, kwargs = arguments
    # Plain pickle will do for the arguments of most jobs, and the look costs less than a pickler.
    if (
        len(args) <= _FEW
        and (_OF_ONE_SIZE.issuperset(map(type, args)) or all(map(_is_small, args)))
        and (not kwargs or all(map(_is_small, (*kwargs, *kwargs.values()))))
    ):
        return pickle.dumps(arguments, 5), ()
    return pack(arguments, "the arguments (args, kwargs)")


def _is_small(obj: Any) -> bool:
    # A large one is worth the way without a copy.
    return type(obj) in _OF_ONE_SIZE or (type(obj) in (str, bytes) and len(obj) <= OUT_OF_BAND)


@functools.cache
def _patient(pickler: type[pickle.Pickler]) -> type[pickle.Pickler]:
    """Returns a pickler for a second attempt, and for the search for what cannot travel."""
    reducer: Any = pickler.reducer_override

    def reduce(obj: Any) -> Any:
        reduced = reducer(obj)
        return by_value.reduce_refused(obj) if reduced is NotImplemented else reduced

    return type("_PatientPickler", (pickler,), {"reducer_override": staticmethod(reduce)})


def _dump(pickler: type[pickle.Pickler], obj: object) -> Packed:
    frames: list[Frame] = []
    out = Parts()
    pickler(out, 5, buffer_callback=keep_large(frames)).dump(obj)
    return joined(out.parts, frames)


def keep_large(frames: list[Frame]) -> Callable[[pickle.PickleBuffer], bool]:
    """Returns what has a pickler put small buffers into its stream, large ones into ``frames``."""

    def keep_in_band(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        frames.append(view)
        return False

    return keep_in_band


def joined(parts: list[Any], frames: list[Frame]) -> Packed:
    """Returns what a pickler has written as one; both lists may be used again."""
    size = sum(map(len, parts))
    if size > OUT_OF_BAND:
        return b"", [Scattered(parts[:], size), *frames]
    return b"".join(parts), frames[:]


class Parts:
    """A file that keeps what is written to it as it is: of a large `bytes`, the object itself."""

    __slots__ = ("parts", "write")

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.write = self.parts.append


def unpack(payload: Frame, frames: Iterable[Frame] = ()) -> Any:
    """Returns the object that `pack` was given.

    Whatever its own code raises while it is rebuilt comes through: call it where an exception
    harms one job only.
    """
    if not frames and type(payload) is bytes:
        return pickle.loads(payload)
    buffers = iter(frames)
    if not payload:
        payload = next(buffers)
    if isinstance(payload, Borrowed):
        payload = payload.buffer()
    # An array that could be written to shall be so again; its buffer decides that.
    return pickle.loads(payload, buffers=map(_writable, buffers))


def _writable(frame: Frame) -> Frame:
    if isinstance(frame, Borrowed):
        return frame.buffer()
    return bytearray(frame) if memoryview(frame).readonly else frame


_packed_functions: weakref.WeakKeyDictionary[Any, tuple[object, int, Function]] = (
    weakref.WeakKeyDictionary()
)
_numbers = itertools.count()
_keys: dict[tuple[int, bytes], bytes] = {}
_BY_NAME = ("by its name",)


def pack_function(function: Callable[..., object], what: str = "target") -> Function:
    """Returns ``function`` ready to travel; from memory if nothing that it uses has changed.

    Raises:
        PackingError: Something that it uses cannot travel.
    """
    if type(function) is not FunctionType:
        return _pack_function(function, what)
    known = _packed_functions.get(function)
    if known is not None and known[0] is _BY_NAME and _is_in_its_module(function):
        return known[2]
    fingerprint = by_value.fingerprint(function)
    if fingerprint is None:
        return _pack_function(function, what)
    if known is not None and known[0] == fingerprint and known[1] == by_value.generation():
        return known[2]
    packed = _pack_function(function, what)
    if _is_in_its_module(function) and by_value.importable(function):
        fingerprint = _BY_NAME
    _packed_functions[function] = fingerprint, by_value.generation(), packed
    return packed


def _is_in_its_module(function: FunctionType) -> bool:
    module = sys.modules.get(function.__module__)
    return module is not None and vars(module).get(function.__qualname__) is function


def _pack_function(function: Callable[..., object], what: str) -> Function:
    payload, frames = pack(function, what)
    # To compare arrays takes longer than to send one once more than needed.
    key = _new_key() if frames else _key_of(payload)
    return Function(key, payload, gather(frames), name_of(function))


def _new_key() -> bytes:
    return b"%d" % next(_numbers)


def _key_of(payload: bytes) -> bytes:
    """Returns the key of a function with this payload, the same one each time."""
    # No digest: `hashlib` loads OpenSSL, which takes as long as a quarter of all imports.
    if len(_keys) >= _REMEMBERED:
        _keys.clear()
    # The same function again, after another has changed what they share, must travel again.
    return _keys.setdefault((by_value.generation(), payload), _new_key())


def name_of(function: object) -> str:
    """Returns what people call ``function``."""
    if type(function) is FunctionType:
        return function.__qualname__
    for attribute in ("__qualname__", "__name__"):
        name = getattr(function, attribute, None)
        if isinstance(name, str) and name:
            return name
    inner = getattr(function, "func", None)
    return name_of(inner) if inner is not None else type(function).__name__


class RemoteTraceback(Exception):  # as the standard library's own
    """The traceback of an exception as text, as it was in the worker; its ``__cause__`` here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return "\n" + self.text.rstrip()


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
    for pickler in (_UpwardPickler, _SimplifyingPickler):
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

    One that cannot be rebuilt here becomes an `UnpackingError` with its type and text.
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
    return error


def add_note(error: BaseException, note: str) -> None:
    """Adds a line that a traceback shows under the exception (from Python 3.11 on)."""
    try:
        notes = [*(getattr(error, "__notes__", None) or ()), note]
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
    # Not at the top: a program without failures does without.
    import traceback

    try:
        lines = traceback.format_exception(type(error), error, _below_the_worker(error))
        return "".join(lines)
    except BaseException:
        # __str__ and __repr__ are the user's code too.
        return f"{type(error).__name__} (its text cannot be had)\n"


def _below_the_worker(error: BaseException) -> Any:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__package__") == _WORKER:
        trace = trace.tb_next
    return trace or error.__traceback__


_WORKER = f"{__package__.partition('.')[0]}.worker"


def _summary(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        return f"{kind}: {error}"
    except BaseException:
        return kind


def _refusal(obj: object) -> Exception | None:
    try:
        _dump(_patient(Pickler), obj)
    except Exception as error:
        return error
    return None
