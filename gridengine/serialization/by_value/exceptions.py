"""Exceptions: rebuilt as they are, not by another call of their constructor.

Plain pickle calls it with ``args``, which fails for one that takes other arguments than it gives
to its base, and builds a wrong message for one that makes a text of its argument.
"""

from __future__ import annotations

import copyreg
import types
from collections.abc import Callable
from typing import Any

from .special_types import builtin_base


def reduce(error: BaseException) -> Any:
    """Returns how an exception travels; NotImplemented if its type knows better."""
    kind = type(error)
    if builtin_base(kind) is kind or _has_its_own_way(kind):
        return NotImplemented
    return reduce_anyway(error, lambda part: part)


def reduce_anyway(error: BaseException, convert: Callable[[Any], Any]) -> Any:
    """As `reduce`, whatever its type knows.

    Args:
        error: The exception.
        convert: Called with each part of it; returns what shall travel in its place.
    """
    args, attributes = _parts(error)
    arguments = (type(error), tuple(map(convert, args)), tuple(map(convert, error.args)))
    state = {name: convert(value) for name, value in attributes.items()}
    return make, arguments, state, None, None, fill


def _has_its_own_way(kind: type[BaseException]) -> bool:
    methods = ("__reduce__", "__reduce_ex__", "__setstate__", "__getstate__")
    return kind in copyreg.dispatch_table or any(
        isinstance(getattr(kind, name, None), types.FunctionType) for name in methods
    )


def _parts(error: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns what the builtin base of an exception is made from, and its other attributes."""
    base: Any = builtin_base(type(error))
    _, args, *rest = base.__reduce__(error)
    attributes = dict(rest[0]) if rest and rest[0] else {}
    for cls in type(error).__mro__:
        if cls is base:
            break
        for name, value in vars(cls).items():
            if isinstance(value, types.MemberDescriptorType) and hasattr(error, name):
                attributes[name] = getattr(error, name)
    return args, attributes


def make(kind: type[BaseException], args: tuple[Any, ...], own: tuple[Any, ...]) -> BaseException:
    """Returns an exception without a call of the constructor that its class may have."""
    base: Any = builtin_base(kind)
    error: BaseException = base.__new__(kind, *args)
    base.__init__(error, *args)
    BaseException.__setattr__(error, "args", own)
    return error


def fill(error: BaseException, attributes: dict[str, Any]) -> None:
    """Gives an exception its attributes, even one that allows no change."""
    for name, value in attributes.items():
        BaseException.__setattr__(error, name, value)
