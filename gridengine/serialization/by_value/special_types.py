"""Objects of the interpreter and the standard library that plain pickle cannot send."""

from __future__ import annotations

import contextlib
import functools
import pickle
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any

from .importability import importable

_HEAP_TYPE = 1 << 9


def builtin_base(cls: type) -> type:
    """Returns the class itself or the nearest ancestor that is not made in Python."""
    return next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)


def _with_cloudpickle(obj: Any) -> Any:
    from cloudpickle import Pickler

    return Pickler.dispatch_table[type(obj)](obj)


def _memoryview(view: memoryview) -> Any:
    # One that is not contiguous, or runs column by column, arrives row by row.
    whole = view if view.c_contiguous else view.tobytes()
    buffer = pickle.PickleBuffer(whole)
    return _make_memoryview, (buffer, view.format, view.shape, view.readonly)


def _make_memoryview(
    buffer: Any, format_: str, shape: tuple[int, ...], readonly: bool
) -> memoryview:
    if not readonly and memoryview(buffer).readonly:
        buffer = bytearray(buffer)
    view: Any = memoryview(buffer)
    # Python casts to one native type only, and to no shape without elements.
    with contextlib.suppress(TypeError, ValueError):
        view = view.cast(format_, shape)
    made: memoryview = view.toreadonly() if readonly else view
    return made


def _method(method: types.MethodType) -> Any:
    """A method whose name is not where its object has it: mangled, or given to a class later."""
    name = method.__func__.__name__
    if getattr(method.__self__, name, None) == method:
        return NotImplemented
    return types.MethodType, (method.__func__, method.__self__)


def _cached_property(value: functools.cached_property[Any]) -> Any:
    # A lock, which it has before Python 3.12, stays behind.
    return _make_cached_property, (value.func, value.attrname)


def _make_cached_property(function: Any, name: str) -> Any:
    made: Any = functools.cached_property(function)
    made.attrname = name
    return made


def _cache(value: Any) -> Any:
    """A function with `functools.lru_cache`; the cache arrives empty."""
    if importable(value):
        return NotImplemented
    attributes = {name: getattr(value, name) for name in ("__module__", "__qualname__")}
    attributes.update(vars(value))
    wrapped = attributes.pop("__wrapped__")
    return _make_cache, (wrapped, value.cache_parameters(), attributes)


def _make_cache(function: Any, parameters: dict[str, Any], attributes: dict[str, Any]) -> Any:
    made = functools.lru_cache(**parameters)(function)
    vars(made).update(attributes)
    return made


def reduce_of_dataclasses(value: Any) -> Any:
    """Returns how a value travels that `dataclasses` tells from others by its identity."""
    # Not imported here, since it takes longer than all of this package's other needs: who has
    # such a value has it loaded.
    home = sys.modules["dataclasses"]
    for name, known in vars(home).items():
        if known is value:
            return getattr, (home, name)
    return NotImplemented


#: For the reducer of a pickler.
REDUCERS: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            property,
            staticmethod,
            classmethod,
            types.CodeType,
            types.GetSetDescriptorType,
            types.MappingProxyType,
            type({}.keys()),
            type({}.values()),
            type({}.items()),
            weakref.WeakSet,
        ),
        _with_cloudpickle,
    ),
    memoryview: _memoryview,
    types.MethodType: _method,
    functools.cached_property: _cached_property,
    type(functools.lru_cache(len)): _cache,
}
