"""Objects copied within a process as if they had travelled, for calls that run where they are made.

What is changed on one side is not seen on the other, and what cannot travel is refused, as it is
elsewhere. But what a process has once is not copied: modules and their globals, classes, functions
that a module has.
"""

from __future__ import annotations

import _thread
import pickle
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..transport.shared_memory import gather
from . import by_value
from .batches import pack_together
from .by_value.functions import cell_contents
from .functions import is_in_its_module
from .packed import Packed
from .serializer import PLAIN, pack_by, unpack


class _Held(_thread._local):
    """What the copy that is being made, in this thread, has in common with its original."""

    objects: list[Any]


_held = _Held()


class Copy:
    """A copy that is made when it is asked for, each time anew.

    Args:
        obj: Anything.
        what: How an error shall call it.

    Raises:
        PackingError: Something in it cannot travel; the message says what and where.
    """

    __slots__ = ("_held", "_packed")

    def __init__(self, obj: object, what: str = "object") -> None:
        self._held: list[Any] = []
        self._packed: Packed = self._holding(lambda: pack_by(_CopyingPickler, obj, what))

    def make(self) -> Any:
        """Returns the copy; what its own code raises while it is made comes through."""
        return self._holding(lambda: _unpacked(self._packed))

    def _holding(self, action: Callable[[], Any]) -> Any:
        # The code of an object that is being copied may itself have something copied.
        outer = vars(_held).get("objects")
        _held.objects = self._held
        try:
            return action()
        finally:
            _held.objects = outer  # type: ignore[assignment]


def copies(objects: Sequence[Any], what: Callable[[int], str]) -> Sequence[Any] | Copies:
    """Returns copies of objects; those that might fail are made when they are asked for.

    Args:
        objects: At least one.
        what: How an error shall call one, by its number.

    Raises:
        PackingError: One of them cannot travel; the message says what and where.
    """
    if PLAIN.issuperset(map(type, objects)):
        # Nobody can change them.
        return objects
    together = pack_together(objects)
    if together is not None:
        made: Sequence[Any] = _unpacked(together)
        return made
    return Copies([Copy(obj, what(number)) for number, obj in enumerate(objects)])


class Copies:
    """Objects of which the copies are made just before they are needed."""

    def __init__(self, each: Sequence[Copy]) -> None:
        self._each = each

    def __getitem__(self, part: slice) -> Iterable[Any]:
        """Returns the copies of a part, made one after the other."""
        return (copy.make() for copy in self._each[part])


def _unpacked(packed: Packed) -> Any:
    payload, frames = packed
    # They are views of the original's memory.
    return unpack(payload, [bytearray(frame) for frame in gather(frames)])


def _number_of(obj: object) -> int:
    _held.objects.append(obj)
    return len(_held.objects) - 1


def _same(number: int) -> Any:
    return _held.objects[number]


def _reduce(obj: Any) -> Any:
    if isinstance(obj, (type, types.ModuleType)):
        return _same, (_number_of(obj),)
    if type(obj) is types.FunctionType:
        return _reduce_function(obj)
    return by_value.reduce(obj)


def _reduce_function(function: types.FunctionType) -> Any:
    if function is _same:
        return NotImplemented
    cells = function.__closure__
    own = function.__defaults__, function.__kwdefaults__, vars(function)
    if is_in_its_module(function) or not (cells or any(own)):
        return _same, (_number_of(function),)
    values = tuple(cell_contents(cells or ()))
    # The cells are filled afterwards: what is in them may refer to the function.
    return _make, (_number_of(function), cells), (*own, values), None, None, _fill


def _make(number: int, cells: tuple[types.CellType, ...] | None) -> types.FunctionType:
    function = _same(number)
    made = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, None, cells
    )
    for name in _ABOUT:
        if hasattr(function, name):
            setattr(made, name, getattr(function, name))
    return made


#: What of a function nobody changes.
_ABOUT = ("__qualname__", "__module__", "__doc__", "__type_params__")


def _fill(function: types.FunctionType, state: tuple[Any, ...]) -> None:
    function.__defaults__, function.__kwdefaults__, attributes, values = state
    vars(function).update(attributes)
    for cell, value in zip(function.__closure__ or (), values, strict=True):
        if value:
            cell.cell_contents = value[0]


class _CopyingPickler(pickle.Pickler):
    reducer_override: Any = staticmethod(_reduce)
