"""Whether a function would still be packed to the same: told by a look, without packing it."""

from __future__ import annotations

import collections
import enum
import types
from typing import Any

from . import classes, functions, importability, shared_values
from .importability import importable

_BY_IDENTITY = (
    types.BuiltinFunctionType,
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    type(collections.namedtuple("_Pair", "a").a),  # type: ignore[attr-defined]
)


def fingerprint(function: types.FunctionType) -> tuple[Any, ...] | None:
    """Returns a value that stays equal as long as the function would be packed to the same.

    None if that cannot be told by a look, because it uses something that can change within,
    such as a list.
    """
    parts: list[Any] = []
    return tuple(parts) if _note_function(function, parts, set()) else None


def _note(value: Any, parts: list[Any], seen: set[int]) -> bool:
    """Adds what identifies a value to ``parts``; False if nothing does."""
    kind = type(value)
    if kind in shared_values.ATOMS:
        # As in `shared_values.constant`.
        parts += kind, repr(value) if kind is float or kind is complex else value
        return True
    if kind is types.FunctionType:
        return _note_function(value, parts, seen)
    if kind is tuple:
        parts.append(len(value))
        return all(_note(item, parts, seen) for item in value)
    if isinstance(value, type):
        return _note_class(value, parts, seen)
    parts.append(value)
    if isinstance(value, types.ModuleType):
        # Of one that travels by value, what is in it may have changed.
        return value.__name__ == "__main__" or importability.module_importable(value.__name__)
    return isinstance(value, _BY_IDENTITY)


def _note_function(function: types.FunctionType, parts: list[Any], seen: set[int]) -> bool:
    parts.append(function)
    if id(function) in seen:
        return True
    seen.add(id(function))
    parts.append(function.__code__)
    if importable(function):
        return True
    if function.__dict__ or function.__kwdefaults__:
        return False
    if function.__defaults__ and not _note(function.__defaults__, parts, seen):
        return False
    if function.__closure__:
        for content in functions.cell_contents(function.__closure__):
            if not _note(content, parts, seen):
                return False
    return _note_globals(function, parts, seen)


def _note_globals(function: types.FunctionType, parts: list[Any], seen: set[int]) -> bool:
    for name, value in functions.used_globals(function).items():
        parts.append(name)
        if not _note(value, parts, seen):
            return False
    return True


def _note_class(cls: type, parts: list[Any], seen: set[int]) -> bool:
    parts.append(cls)
    if id(cls) in seen or importable(cls):
        return True
    seen.add(id(cls))
    for name, value in classes.attributes(cls).items():
        parts.append(name)
        if not _note_attribute(cls, name, value, parts, seen):
            return False
    return all(_note_class(base, parts, seen) for base in cls.__bases__)


def _note_attribute(cls: type, name: str, value: Any, parts: list[Any], seen: set[int]) -> bool:
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    elif type(value) is property:
        value = (value.fget, value.fset, value.fdel)
    elif name.startswith("_") and name.endswith("_") and not isinstance(value, types.FunctionType):
        # What Python and its library keep there changes for nobody.
        value = _Same(value)
    elif isinstance(cls, enum.EnumMeta) and isinstance(value, cls):
        value = _Same(value)
    if isinstance(value, _Same):
        parts.append(value)
        return True
    return _note(value, parts, seen)


class _Same:
    """Equals another if both are of the very same object, which it keeps, so its id too."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    __hash__ = None  # type: ignore[assignment]
