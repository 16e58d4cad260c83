"""Objects to frames and back: arguments, functions, results, exceptions.

::

    object ──pack()──▶ payload (bytes) + frames (large buffers, uncopied) ──unpack()──▶ object

The work is done by the C pickler of the standard library. Only what a worker could not import
is taken apart by `gridengine.by_value`; what even that cannot do, dill may.
"""

from __future__ import annotations

import io
import itertools
import pickle
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType, MemberDescriptorType
from typing import Any, NamedTuple

from . import by_value
from .errors import PackingError, UnpackingError
from .settings import OUT_OF_BAND

Frame = Any
"""Bytes, or anything that offers a contiguous buffer."""


class Packed(NamedTuple):
    """An object on its way.

    Attributes:
        payload: The pickle.
        frames: The large buffers that it refers to, in order; views, not copies, of the
            packed object's own memory.
    """

    payload: bytes
    frames: Sequence[Frame]


class Function(NamedTuple):
    """A packed callable, which travels once to each worker.

    Attributes:
        key: Tells it from all others of this program.
        payload: As in `Packed`.
        frames: As in `Packed`.
        name: What people call it.
    """

    key: bytes
    payload: bytes
    frames: Sequence[Frame]
    name: str


_Reducer = Callable[[Any], Any]


class _Pickler(pickle.Pickler):
    """The C pickler, and room for a reducer."""


_are_plain = frozenset({int, float, bool, str, bytes, type(None), complex}).issuperset
_FEW = 8


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
    if _is_simple(obj):
        return Packed(pickle.dumps(obj, 5), ())
    reducer = by_value.reduce_upward if upward else by_value.reduce
    try:
        return _dump(reducer, obj)
    except Exception as first:
        try:
            return _dump(_patient(reducer), obj)
        except Exception as error:
            raise PackingError(_explain(obj, what, error)) from first


def _is_simple(obj: Any) -> bool:
    """Whether plain pickle will do: for a number, and for the arguments of most jobs."""
    if type(obj) is not tuple:
        return _are_plain((type(obj),))
    if len(obj) != 2 or type(obj[0]) is not tuple or type(obj[1]) is not dict:
        return False
    args, kwargs = obj
    if len(args) > _FEW or not _are_plain(map(type, args)):
        return False
    return not kwargs or _are_plain(map(type, (*kwargs, *kwargs.values())))


def _patient(reducer: _Reducer) -> _Reducer:
    """Returns the reducer for a second attempt, and for the search for what cannot travel."""

    def reduce(obj: Any) -> Any:
        reduced = reducer(obj)
        return by_value.reduce_refused(obj) if reduced is NotImplemented else reduced

    return reduce


def _dump(reducer: _Reducer, obj: object) -> Packed:
    frames: list[Frame] = []

    def keep_in_band(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        frames.append(view)
        return False

    out = io.BytesIO()
    pickler = _Pickler(out, 5, buffer_callback=keep_in_band)
    pickler.reducer_override = reducer  # type: ignore[method-assign]
    pickler.dump(obj)
    return Packed(out.getvalue(), frames)


def unpack(payload: Frame, frames: Iterable[Frame] = ()) -> Any:
    """Returns the object that `pack` was given.

    Whatever its own code raises while it is rebuilt comes through: call it where an exception
    harms one job only.
    """
    # An array that could be written to shall be so again; its buffer decides that.
    return pickle.loads(payload, buffers=map(_writable, frames))


def _writable(frame: Frame) -> Frame:
    return bytearray(frame) if memoryview(frame).readonly else frame


_packed_functions: weakref.WeakKeyDictionary[Any, tuple[object, int, Function]] = (
    weakref.WeakKeyDictionary()
)
_unhashed = itertools.count()


def pack_function(function: Callable[..., object], what: str = "target") -> Function:
    """Returns ``function`` ready to travel; from memory if nothing that it uses has changed.

    Raises:
        PackingError: Something that it uses cannot travel.
    """
    if type(function) is not FunctionType:
        return _pack_function(function, what)
    fingerprint = by_value.fingerprint(function)
    if fingerprint is None:
        return _pack_function(function, what)
    known = _packed_functions.get(function)
    if known is not None and known[0] == fingerprint and known[1] == by_value.generation():
        return known[2]
    packed = _pack_function(function, what)
    _packed_functions[function] = fingerprint, by_value.generation(), packed
    return packed


def _pack_function(function: Callable[..., object], what: str) -> Function:
    payload, frames = pack(function, what)
    if frames or len(payload) > OUT_OF_BAND:
        # To hash an array takes longer than to send it once more than needed.
        key = b"#%d" % next(_unhashed)
    else:
        key = _digest(payload)
    return Function(key, payload, frames, name_of(function))


def _digest(payload: bytes) -> bytes:
    # Not at the top: it loads OpenSSL.
    import hashlib

    # The same function again, after another has changed what they share, must travel again.
    salt = by_value.generation().to_bytes(16, "little")
    return hashlib.blake2b(payload, digest_size=16, salt=salt).digest()


def name_of(function: object) -> str:
    """Returns what people call ``function``."""
    for attribute in ("__qualname__", "__name__"):
        name = getattr(function, attribute, None)
        if isinstance(name, str) and name:
            return name
    inner = getattr(function, "func", None)
    return name_of(inner) if inner is not None else type(function).__name__


class RemoteTraceback(Exception):
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
    for reducer in (by_value.reduce_upward, _reduce_simplified):
        try:
            attempt = _dump_in_band(reducer, error)
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


def _dump_in_band(reducer: _Reducer, obj: object) -> bytes:
    out = io.BytesIO()
    pickler = _Pickler(out, 5)
    pickler.reducer_override = reducer  # type: ignore[method-assign]
    pickler.dump(obj)
    return out.getvalue()


def _reduce_simplified(obj: Any) -> Any:
    """As `reduce_upward`, but for exceptions: texts take the place of what cannot travel."""
    if not isinstance(obj, BaseException):
        return by_value.reduce_upward(obj)
    return by_value.reduce_exception(obj, _or_text)


def _or_text(value: object) -> object:
    try:
        pickle.loads(_dump_in_band(_reduce_simplified, value))
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


_WORKER = f"{__package__}.worker"


def _summary(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        return f"{kind}: {error}"
    except BaseException:
        return kind


def short_repr(obj: object) -> str:
    """Returns a short text of ``obj``; never raises."""
    import reprlib

    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    try:
        return short.repr(obj)
    except BaseException:
        return f"<{type(obj).__name__}>"


_DEPTH = 8


def _explain(obj: object, what: str, error: Exception) -> str:
    path, culprit, reason = _find_culprit(obj, what, error, [])
    try:
        text = str(reason)
    except Exception:
        text = ""
    text = text or type(reason).__name__
    return f"{path} ({short_repr(culprit)}) cannot travel to another process: {text}"


def _find_culprit(
    obj: object, path: str, reason: Exception, above: list[object]
) -> tuple[str, object, Exception]:
    """Follows the first part that cannot be packed, down to one whose own parts all can."""
    if len(above) < _DEPTH:
        above = [*above, obj]
        for step, part in _parts(obj):
            refusal = _refusal(part)
            if refusal is not None and not any(part is each for each in above):
                return _find_culprit(part, path + step, refusal, above)
    return path, obj, reason


def _refusal(obj: object) -> Exception | None:
    try:
        _dump(_patient(by_value.reduce), obj)
    except Exception as error:
        return error
    return None


def _parts(obj: Any) -> Iterator[tuple[str, object]]:
    if isinstance(obj, (list, tuple)):
        yield from ((f"[{i}]", part) for i, part in enumerate(obj))
    elif isinstance(obj, dict):
        for key, part in obj.items():
            yield f"[{short_repr(key)}]", part
            yield f" → its key {short_repr(key)}", key
    elif isinstance(obj, (set, frozenset)):
        yield from ((f" → its element {short_repr(part)}", part) for part in obj)
    elif isinstance(obj, FunctionType):
        yield from by_value.parts_of_function(obj)
    elif isinstance(obj, type):
        yield from ((f".{name}", part) for name, part in by_value.attributes(obj).items())
    else:
        yield from _attributes(obj)


def _attributes(obj: Any) -> Iterator[tuple[str, object]]:
    for name in ("func", "args", "keywords", "__self__", "__func__", "__wrapped__", "fget"):
        if (part := getattr(obj, name, None)) is not None:
            yield f".{name}", part
    yield from ((f".{name}", part) for name, part in getattr(obj, "__dict__", {}).items())
    for cls in type(obj).__mro__:
        for name, value in vars(cls).items():
            if isinstance(value, MemberDescriptorType) and hasattr(obj, name):
                yield f".{name}", getattr(obj, name)
    if not by_value.importable(type(obj)):
        yield " → its class", type(obj)
