"""Objects of the interpreter and the standard library that plain pickle cannot send."""

from __future__ import annotations

import copyreg
import functools
import types
from typing import Any


def reduce_mapping_proxy(proxy: types.MappingProxyType[Any, Any]) -> Any:
    """Returns how a read-only view of a dict travels: as one of a copy."""
    return types.MappingProxyType, (dict(proxy),)


def reduce_property(value: property) -> Any:
    """Returns how a property travels."""
    return property, (value.fget, value.fset, value.fdel, value.__doc__)


def reduce_method_wrapper(value: Any) -> Any:
    """Returns how a staticmethod or classmethod travels."""
    return type(value), (value.__func__,)


def reduce_cached_property(value: functools.cached_property[Any]) -> Any:
    """Returns how a cached property travels; a lock in it stays behind."""
    return _make_cached_property, (value.func, value.attrname)


def _make_cached_property(function: Any, name: str) -> Any:
    made: Any = functools.cached_property(function)
    made.attrname = name
    return made


def reduce_cache(value: Any) -> Any:
    """Returns how a function with `functools.lru_cache` travels: with an empty cache."""
    from .modules import importable

    if importable(value):
        return NotImplemented
    return _make_cache, (value.__wrapped__, value.cache_parameters())


def _make_cache(function: Any, parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


def reduce_with_dill(obj: Any) -> Any:
    """Returns how an object travels that plain pickle refuses, if dill knows it.

    Raises:
        TypeError: Neither knows it.
    """
    if type(obj) in copyreg.dispatch_table:
        return NotImplemented
    try:
        obj.__reduce_ex__(5)
        return NotImplemented
    except TypeError as error:
        refusal = error
    if isinstance(obj, _FOR_ONE_PROCESS):
        raise TypeError(
            f"a {type(obj).__name__} cannot travel to another process; "
            "make a list of what it yields"
        ) from None
    import dill

    try:
        return dill.loads, (dill.dumps(obj, protocol=5),)
    # dill raises whatever it stumbles over; the first refusal says it best.
    except Exception:
        raise refusal from None


_FOR_ONE_PROCESS = (
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.FrameType,
    types.TracebackType,
)
