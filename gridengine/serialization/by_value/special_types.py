"""Objects of the interpreter and the standard library that plain pickle cannot send."""

from __future__ import annotations

import functools
import marshal
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


def _property(value: property) -> Any:
    return type(value), (value.fget, value.fset, value.fdel, value.__doc__)


def _method_wrapper(value: Any) -> Any:
    # A string is where to import it from.
    return value.__qualname__ if importable(value) else (type(value), (value.__func__,))


def _code(code: types.CodeType) -> Any:
    return marshal.loads, (marshal.dumps(code),)


def _descriptor(value: types.GetSetDescriptorType) -> Any:
    return _of_class, (value.__objclass__, value.__name__)


def _of_class(cls: type, name: str) -> Any:
    return vars(cls)[name]


def _mapping_proxy(proxy: types.MappingProxyType[Any, Any]) -> Any:
    return types.MappingProxyType, (dict(proxy),)


def _keys(view: Any) -> Any:
    return dict.keys, (dict.fromkeys(view),)


def _values(view: Any) -> Any:
    return dict.values, (dict(enumerate(view)),)


def _items(view: Any) -> Any:
    return dict.items, (dict(view),)


def _weak_set(values: weakref.WeakSet[Any]) -> Any:
    return weakref.WeakSet, (list(values),)


def _memoryview(view: memoryview) -> Any:
    if not _can_be_cast(view):
        raise TypeError(
            f"a memoryview of format {view.format!r} and shape {view.shape} cannot be made anew; "
            "send the array itself"
        )
    # One that is not contiguous, or runs column by column, arrives row by row.
    whole = view if view.c_contiguous else view.tobytes()
    buffer = pickle.PickleBuffer(whole)
    return _make_memoryview, (buffer, view.format, view.shape, view.readonly)


def _can_be_cast(view: memoryview) -> bool:
    # Python casts to one native type only, and to no shape without elements. It is asked with
    # other bytes: a failed cast of the view itself, kept by the traceback, crashed Python 3.11
    # when that was collected.
    try:
        made: Any = memoryview(bytes(view.itemsize)).cast(view.format)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return False
    same = (made.format, made.itemsize) == (view.format, view.itemsize)
    return same and (view.ndim == 1 or 0 not in (view.shape or ()))


def _make_memoryview(buffer: Any, format_: str, shape: Any, readonly: bool) -> memoryview:
    if not readonly and memoryview(buffer).readonly:
        buffer = bytearray(buffer)
    raw: Any = memoryview(buffer)
    # With its shape, one without elements would be refused.
    view: memoryview = raw.cast(format_) if len(shape) == 1 else raw.cast(format_, shape)
    return view.toreadonly() if readonly else view


def _method(method: types.MethodType) -> Any:
    """A method travels by its name, if a worker finds it there.

    It does not if its name is mangled, or was given to the class later; nor, perhaps, if its class
    is taken apart: what that consists of may hold the method, and be needed before it.
    """
    owner = method.__self__ if isinstance(method.__self__, type) else type(method.__self__)
    return method_by_name(method) if importable(owner) else _method_by_parts(method)


def method_by_name(method: types.MethodType) -> Any:
    """Returns how a method travels to where its class is whole."""
    if getattr(method.__self__, method.__func__.__name__, None) == method:
        return NotImplemented
    return _method_by_parts(method)


def _method_by_parts(method: types.MethodType) -> Any:
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


def reduce_of_mocks(call: Any) -> Any:
    """Returns how the record of a call of a `unittest.mock.Mock` travels."""
    # Plain pickle asks the new one for __setstate__ while it is empty, and its answer never ends.
    return _make_record_of_call, (type(call), tuple(call), vars(call))


def _make_record_of_call(kind: type, contents: tuple[Any, ...], state: dict[str, Any]) -> Any:
    made: Any = tuple.__new__(kind, contents)
    vars(made).update(state)
    return made


#: For the reducer of a pickler.
REDUCERS: dict[type, Callable[[Any], Any]] = {
    property: _property,
    staticmethod: _method_wrapper,
    classmethod: _method_wrapper,
    types.CodeType: _code,
    types.GetSetDescriptorType: _descriptor,
    types.MappingProxyType: _mapping_proxy,
    type({}.keys()): _keys,
    type({}.values()): _values,
    type({}.items()): _items,
    weakref.WeakSet: _weak_set,
    memoryview: _memoryview,
    types.MethodType: _method,
    functools.cached_property: _cached_property,
    type(functools.lru_cache(len)): _cache,
}
