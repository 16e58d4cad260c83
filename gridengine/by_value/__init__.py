"""Functions and classes that a worker could not import, taken apart and put together again.

Plain pickle sends functions and classes as the name of what to import. That fails for those of
``__main__``, for lambdas, closures and locals, and for notebook cells. `reduce` tells the C
pickler how to send just these by their contents, and leaves all else to it, so data inside
closures and globals still travels at its speed. Code travels as `marshal` writes it: both sides
run the same interpreter.

dill was measured for this (0.4.1): 0.3 to 4 ms a function and 80 ms for its import, and it
recurses without end for two functions that call each other. It serves for the odd objects that
plain pickle refuses, see `reduce_refused`.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from . import classes, exceptions, functions, generics, modules, odd
from .classes import attributes
from .exceptions import reduce_anyway as reduce_exception
from .fingerprints import fingerprint
from .functions import parts as parts_of_function
from .modules import become_worker, importable
from .odd import reduce_refused
from .shared import generation

__all__ = [
    "attributes",
    "become_worker",
    "fingerprint",
    "generation",
    "importable",
    "parts_of_function",
    "reduce",
    "reduce_exception",
    "reduce_refused",
    "reduce_upward",
]

_HANDLERS: dict[type, Callable[[Any], Any]] = {
    **odd.REDUCERS,
    **dict.fromkeys(generics.KINDS, generics.reduce),
    types.FunctionType: functions.reduce,
    types.CellType: functions.reduce_cell,
    types.ModuleType: modules.reduce,
    type: classes.reduce,
}
_KINDS = (type, types.ModuleType, BaseException)


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
    if isinstance(obj, _KINDS):
        return _reduce_kind(obj)
    return NotImplemented


def _reduce_kind(obj: Any) -> Any:
    if isinstance(obj, type):
        return classes.reduce(obj)
    if isinstance(obj, BaseException):
        return exceptions.reduce(obj)
    return modules.reduce(obj)


def reduce_upward(obj: Any) -> Any:
    """As `reduce`, for what goes from a worker to the program that it works for.

    A class that came from there travels as its token, for the program has it.
    """
    return classes.reduce(obj, upward=True) if isinstance(obj, type) else reduce(obj)
