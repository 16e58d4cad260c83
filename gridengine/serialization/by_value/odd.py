"""Objects of the interpreter and the standard library that plain pickle cannot send."""

from __future__ import annotations

import functools
import io
import marshal
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any

from .modules import importable

_HEAP_TYPE = 1 << 9


def builtin_base(cls: type) -> type:
    """Returns the class itself or the nearest ancestor that is not made in Python."""
    return next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)


def _mapping_proxy(proxy: types.MappingProxyType[Any, Any]) -> Any:
    return types.MappingProxyType, (dict(proxy),)


def _property(value: property) -> Any:
    return type(value), (value.fget, value.fset, value.fdel, value.__doc__)


def _method(method: types.MethodType) -> Any:
    """A method whose name is not where its object has it: mangled, or given to a class later."""
    name = method.__func__.__name__
    if getattr(method.__self__, name, None) == method:
        return NotImplemented
    return types.MethodType, (method.__func__, method.__self__)


def _method_wrapper(value: Any) -> Any:
    # A string is where to import it from.
    return value.__qualname__ if importable(value) else (type(value), (value.__func__,))


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


def _code(code: types.CodeType) -> Any:
    return marshal.loads, (marshal.dumps(code),)


#: For the reducer of a pickler.
REDUCERS: dict[type, Callable[[Any], Any]] = {
    types.MappingProxyType: _mapping_proxy,
    types.MethodType: _method,
    types.CodeType: _code,
    property: _property,
    staticmethod: _method_wrapper,
    classmethod: _method_wrapper,
    functools.cached_property: _cached_property,
    type(functools.lru_cache(len)): _cache,
}


def reduce_refused(obj: Any) -> Any:
    """Returns how an object travels that plain pickle refuses; NotImplemented if it does not.

    Raises:
        TypeError: It cannot travel; the message says what to do instead.
    """
    if isinstance(obj, (type, types.FunctionType)):
        return NotImplemented
    if isinstance(obj, property):
        return _property(obj)
    if isinstance(obj, io.TextIOBase) and (name := _standard_stream(obj)):
        return getattr, (sys, name)
    if type(obj) in (weakref.WeakKeyDictionary, weakref.WeakValueDictionary):
        return type(obj), (dict(obj),)
    try:
        obj.__reduce_ex__(5)
    except TypeError as error:
        if reason := why_not(obj):
            raise TypeError(reason) from None
        return _with_dill(obj, error)
    return NotImplemented


def _standard_stream(obj: io.TextIOBase) -> str | None:
    for name in ("stdin", "stdout", "stderr"):
        if obj is getattr(sys, name):
            return name
    return None


def why_not(obj: Any) -> str | None:
    """Returns why something cannot leave its process, and what to do instead; else None."""
    if isinstance(obj, io.IOBase) and not isinstance(obj, (io.BytesIO, io.StringIO)):
        return (
            f"an open file ({getattr(obj, 'name', None)!r}) belongs to the process that opened it; "
            "open it where it is used, or send what is in it"
        )
    kind = type(obj)
    names = {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}
    for group, reason in _BELONG_TO_A_PROCESS.items():
        if not names.isdisjoint(group):
            return f"a {kind.__name__} {reason}"
    return None


_BELONG_TO_A_PROCESS = {
    (
        "builtins.generator",
        "builtins.coroutine",
        "builtins.async_generator",
    ): "stands in the middle of its code, in this process; make a list of what it yields",
    (
        "_thread.lock",
        "_thread.RLock",
        "threading.Condition",
        "threading.Event",
    ): "holds within one process only; make it where it is used",
    (
        "_socket.socket",
        "sqlite3.Connection",
        "zmq.sugar.socket.Socket",
    ): "belongs to the process that opened it; open it where it is used",
    (
        "builtins.frame",
        "builtins.traceback",
        "threading.Thread",
    ): "is of this process alone; send what you need of it",
}


def _with_dill(obj: Any, refusal: TypeError) -> Any:
    import dill

    try:
        return dill.loads, (dill.dumps(obj, protocol=5),)
    # dill raises whatever it stumbles over; the first refusal says it best.
    except Exception:
        raise refusal from None
