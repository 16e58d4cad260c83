"""Functions and classes that a worker could not import, taken apart and put together again.

Plain pickle sends functions and classes as the name of what to import. That fails for those of
``__main__``, for lambdas, closures and locals, and for notebook cells. `reduce` tells the C
pickler how to send just these by their contents, and leaves all else to it, so data inside
closures and globals still travels at its speed. Code travels as `marshal` writes it: both sides
run the same interpreter.

dill was measured for this (0.4.1): 0.3 to 4 ms a function and 80 ms for its import, and it
recurses without end for two functions that call each other. It serves for the odd objects that
plain pickle refuses, see `reduce_unusual`.
"""

from __future__ import annotations

import functools
import io
import types
from collections.abc import Callable
from typing import Any, TypeVar

from . import classes, functions, modules, odd
from .functions import fingerprint
from .modules import become_worker, importable

__all__ = ["become_worker", "fingerprint", "importable", "reduce", "reduce_unusual"]

_HANDLERS: dict[type, Callable[[Any], Any]] = {
    types.FunctionType: functions.reduce,
    types.ModuleType: modules.reduce,
    types.CellType: functions.reduce_cell,
    types.MappingProxyType: odd.reduce_mapping_proxy,
    type: classes.reduce,
    TypeVar: classes.reduce_type_variable,
    property: odd.reduce_property,
    staticmethod: odd.reduce_method_wrapper,
    classmethod: odd.reduce_method_wrapper,
    functools.cached_property: odd.reduce_cached_property,
    type(functools.lru_cache(len)): odd.reduce_cache,
}


def reduce(obj: Any) -> Any:
    """Is the ``reducer_override`` of a pickler.

    Returns:
        A reduce tuple for what must travel by its contents, else NotImplemented.

    Raises:
        TypeError: It cannot travel at all.
    """
    handler = _HANDLERS.get(type(obj))
    if handler is not None:
        return handler(obj)
    if isinstance(obj, type):
        return classes.reduce(obj)
    return NotImplemented


def reduce_unusual(obj: Any) -> Any:
    """As `reduce`, for a second attempt: what plain pickle refuses, dill may know.

    Raises:
        TypeError: It cannot travel at all; the message says what to do instead.
    """
    reduced = reduce(obj)
    if reduced is not NotImplemented or isinstance(obj, type):
        return reduced
    if isinstance(obj, io.IOBase) and not isinstance(obj, (io.BytesIO, io.StringIO)):
        name = getattr(obj, "name", None)
        raise TypeError(
            f"an open file ({name!r}) cannot travel to another process; "
            "open it where it is used, or send what is in it"
        )
    return odd.reduce_with_dill(obj)
