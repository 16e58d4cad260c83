"""Objects to frames and back: arguments, functions, results, exceptions.

::

    object ──pack()──▶ payload (bytes) + frames (large buffers, uncopied) ──unpack()──▶ object

A payload that is large itself becomes the first of its frames, and is empty then.

The work is done by the C pickler of the standard library. Only what a worker could not import
is taken apart by `gridengine.serialization.by_value`; what even that cannot do, dill may.
"""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import PackingError
from ..settings import OUT_OF_BAND
from ..transport.borrowed import Borrowed
from ..transport.shared_memory import Missing, Scattered
from . import by_value
from .by_value.explain import explain
from .packed import Frame, Packed, ShortOfMemory


class Pickler(pickle.Pickler):
    """The C pickler; what a worker could not import it takes apart."""

    reducer_override: Any = staticmethod(by_value.reduce)


class UpwardPickler(pickle.Pickler):
    """The same, for what goes from a worker to the program that it works for."""

    reducer_override: Any = staticmethod(by_value.reduce_upward)


PLAIN = frozenset({int, float, bool, str, bytes, type(None), complex})
"""Types whose values plain pickle sends best, and rebuilds without anybody's code."""

_OF_ONE_SIZE = PLAIN - {str, bytes}

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
        ShortOfMemory: It takes more memory than there is.
    """
    if is_small(obj):
        return pickle.dumps(obj, 5), ()
    return pack_by(UpwardPickler if upward else Pickler, obj, what)


def pack_by(pickler: type[pickle.Pickler], obj: object, what: str) -> Packed:
    """As `pack`, by a certain pickler.

    Raises:
        PackingError: Something in ``obj`` cannot travel; the message says what and where.
    """
    try:
        return _dump(pickler, obj)
    except MemoryError as error:
        raise _short(error, obj) from error
    except Exception as first:
        try:
            return _dump(patient(pickler), obj)  # type: ignore[arg-type]  # a class has a hash
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
        and (_OF_ONE_SIZE.issuperset(map(type, args)) or all(map(is_small, args)))
        and (not kwargs or all(map(is_small, (*kwargs, *kwargs.values()))))
    ):
        return pickle.dumps(arguments, 5), ()
    return pack(arguments, "the arguments (args, kwargs)")


def is_small(obj: Any) -> bool:
    """Returns whether plain pickle is the best for ``obj``, and it is worth no way of its own."""
    # A large one is worth the way without a copy.
    return type(obj) in _OF_ONE_SIZE or (type(obj) in (str, bytes) and len(obj) <= OUT_OF_BAND)


@functools.cache
def patient(pickler: type[pickle.Pickler]) -> type[pickle.Pickler]:
    """Returns a pickler for a second attempt, and for the search for what cannot travel.

    Args:
        pickler: The one of the first.
    """
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

    Raises:
        ShortOfMemory: It takes more memory than there is.
    """
    if not frames and type(payload) is bytes:
        return pickle.loads(payload)
    frames = list(frames)
    try:
        return _rebuild(payload, frames)
    except ShortOfMemory:
        raise
    except MemoryError as error:
        sizes = [len(payload), *(frame.nbytes for frame in map(_sized, frames))]
        raise ShortOfMemory(sum(sizes)) from error


def _rebuild(payload: Frame, frames: Iterable[Frame]) -> Any:
    buffers = iter(frames)
    if not payload:
        payload = next(buffers)
    payload = _readable(payload)
    # An array that could be written to shall be so again; its buffer decides that.
    return pickle.loads(payload, buffers=map(_writable, buffers))


def _readable(frame: Frame) -> Frame:
    if isinstance(frame, Borrowed):
        return frame.buffer()
    if isinstance(frame, Missing):
        raise ShortOfMemory(frame.nbytes)
    return frame


def _sized(frame: Frame) -> Any:
    return frame if isinstance(frame, Borrowed) else memoryview(frame)


def _short(error: MemoryError, obj: object) -> ShortOfMemory:
    """Returns what says of an object that there was no memory to pack it."""
    if isinstance(error, ShortOfMemory):
        return error
    return ShortOfMemory(sys.getsizeof(obj, OUT_OF_BAND))


def _writable(frame: Frame) -> Frame:
    frame = _readable(frame)
    return bytearray(frame) if memoryview(frame).readonly else frame


def _refusal(obj: object) -> Exception | None:
    try:
        _dump(patient(Pickler), obj)
    except Exception as error:
        return error
    return None
