"""Objects to frames and back: arguments, functions, results, exceptions.

::

    object ──pack()──▶ payload (bytes) + frames (large buffers, uncopied) ──unpack()──▶ object

The work is done by the C pickler of the standard library. Only what a worker could not import
is taken apart by `gridengine.by_value`; what even that cannot do, dill may.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import pickle
import reprlib
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
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


class _Pickler(pickle.Pickler):
    reducer_override = staticmethod(by_value.reduce)  # type: ignore[assignment]


class _PatientPickler(pickle.Pickler):
    reducer_override = staticmethod(by_value.reduce_unusual)  # type: ignore[assignment]


_ATOMS = frozenset({int, float, bool, str, bytes, type(None), complex})


def pack(obj: object, what: str = "object") -> Packed:
    """Returns ``obj`` ready to travel.

    Args:
        obj: Anything; functions and classes of ``__main__`` too.
        what: How an error shall call it.

    Raises:
        PackingError: Something in ``obj`` cannot travel; the message says what and where.
    """
    if type(obj) in _ATOMS:
        return Packed(pickle.dumps(obj, 5), ())
    try:
        return _dump(_Pickler, obj)
    except Exception as first:
        try:
            return _dump(_PatientPickler, obj)
        except Exception as error:
            raise PackingError(_explain(obj, what, error)) from first


def _dump(pickler: type[pickle.Pickler], obj: object) -> Packed:
    frames: list[Frame] = []

    def keep_in_band(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        frames.append(view)
        return False

    out = io.BytesIO()
    pickler(out, 5, buffer_callback=keep_in_band).dump(obj)
    return Packed(out.getvalue(), frames)


def unpack(payload: Frame, frames: Sequence[Frame] = ()) -> Any:
    """Returns the object that `pack` was given.

    Whatever its own code raises while it is rebuilt comes through: call it where an exception
    harms one job only.
    """
    return pickle.loads(payload, buffers=frames)


_packed_functions: weakref.WeakKeyDictionary[Any, tuple[object, Function]] = (
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
    if known is not None and known[0] == fingerprint:
        return known[1]
    packed = _pack_function(function, what)
    _packed_functions[function] = fingerprint, packed
    return packed


def _pack_function(function: Callable[..., object], what: str) -> Function:
    payload, frames = pack(function, what)
    if frames or len(payload) > OUT_OF_BAND:
        # To hash an array takes longer than to send it once more than needed.
        key = b"#%d" % next(_unhashed)
    else:
        key = hashlib.blake2b(payload, digest_size=16).digest()
    return Function(key, payload, frames, name_of(function))


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
    text = "".join(_lines_of(error))
    summary = _summary(error)
    for candidate in (_as_it_is, _without_its_constructor):
        try:
            payload = candidate(error)
            if type(pickle.loads(payload)) is type(error):
                return pickle.dumps(tuple(PackedError(payload, summary, text)), 5)
        # Not only Exception: a constructor of the user's may well call sys.exit.
        except BaseException:  # noqa: S112
            continue
    return pickle.dumps(tuple(PackedError(b"", summary, text)), 5)


def unpack_error(packed: Frame) -> BaseException:
    """Returns the exception that `pack_error` was given, its remote traceback as its cause.

    One that cannot be rebuilt here becomes an `UnpackingError` with its type and text.
    """
    payload, summary, text = pickle.loads(packed)
    error: BaseException | None = None
    if payload:
        try:
            error = pickle.loads(payload)
        except BaseException:
            error = None
    if not isinstance(error, BaseException):
        error = UnpackingError(f"the job raised an exception that cannot travel: {summary}")
    error.__cause__ = RemoteTraceback(text)
    return error


def add_note(error: BaseException, note: str) -> None:
    """Adds a line that a traceback shows under the exception (from Python 3.11 on)."""
    notes = getattr(error, "__notes__", None)
    try:
        error.__notes__ = [*(notes or ()), note]  # type: ignore[attr-defined]
    except AttributeError:
        # An exception with slots has no room for a note; its cause still tells the place.
        return


def _as_it_is(error: object) -> bytes:
    out = io.BytesIO()
    _Pickler(out, 5).dump(error)
    return out.getvalue()


def _without_its_constructor(error: BaseException) -> bytes:
    state = {}
    for name, value in vars(error).items():
        try:
            _as_it_is(value)
            state[name] = value
        except Exception:
            state[name] = reprlib.repr(value)
    return _as_it_is(_Rebuilt(error, state))


class _Rebuilt:
    """Pickles as a call of `_rebuild`."""

    def __init__(self, error: BaseException, state: dict[str, object]) -> None:
        self.recipe = (_rebuild, (type(error), error.args, state))

    def __reduce__(self) -> tuple[object, ...]:
        return self.recipe


def _rebuild(
    kind: type[BaseException], args: tuple[object, ...], state: dict[str, object]
) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


def _lines_of(error: BaseException) -> list[str]:
    try:
        return traceback.format_exception(type(error), error, _below_the_worker(error))
    except BaseException:
        # __str__ and __repr__ are the user's code too.
        return [f"{type(error).__name__} (its text cannot be had)\n"]


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
    try:
        return _short.repr(obj)
    except BaseException:
        return f"<{type(obj).__name__}>"


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


def _explain(obj: object, what: str, error: BaseException) -> str:
    path, culprit = _find_culprit(obj, what)
    reason = str(error) or type(error).__name__
    if path == what:
        return f"{what} cannot travel to another process: {reason}"
    return f"{path} ({short_repr(culprit)}) cannot travel to another process: {reason}"


def _find_culprit(obj: object, path: str, depth: int = 6) -> tuple[str, object]:
    """Follows the first part that cannot be packed, down to one whose own parts all can."""
    if depth:
        for step, part in _parts(obj):
            if not _travels(part):
                return _find_culprit(part, path + step, depth - 1)
    return path, obj


def _travels(obj: object) -> bool:
    try:
        _dump(_PatientPickler, obj)
    except Exception:
        return False
    return True


def _parts(obj: object) -> Iterator[tuple[str, object]]:
    if isinstance(obj, (list, tuple)):
        yield from ((f"[{i}]", part) for i, part in enumerate(obj))
    elif isinstance(obj, dict):
        yield from ((f"[{short_repr(key)}]", part) for key, part in obj.items())
    elif isinstance(obj, FunctionType):
        yield from _captured(obj)
    else:
        for name in ("func", "args", "keywords", "__self__"):
            if not isinstance(obj, type) and (part := getattr(obj, name, None)):
                yield f".{name}", part
        yield from ((f".{name}", part) for name, part in getattr(obj, "__dict__", {}).items())


def _captured(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f" → its variable {name!r}", cell.cell_contents
        except ValueError:  # A variable that has no value yet.
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__ and not isinstance(
            function.__globals__[name], type(sys)
        ):
            yield f" → its global {name!r}", function.__globals__[name]
