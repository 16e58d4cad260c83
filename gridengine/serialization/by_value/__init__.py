"""Functions and classes that a worker could not import, taken apart and put together again.

Plain pickle sends functions and classes as the name of what to import. That fails for those of
``__main__``, for lambdas, closures and locals, and for notebook cells. `reduce` tells the C
pickler how to send just these by their contents, and leaves all else to it, so data inside
closures and globals still travels at its speed.

cloudpickle (3.1.3) was put in its place, and fails a third of the cases of
``tests/serialization/by_value``, on each Python from 3.10 to 3.15: variables and globals that
functions share, slots, metaclasses and ``__init_subclass__`` with arguments, enumerations with a
constructor, aliases or another base, caches, all type variables but the plain ones. Its helpers,
which say what a function or class consists of, leave out a class attribute that is the same
object as in a base, and take along globals that only share their name with an attribute.

dill was measured too (0.4.1): 0.3 to 4 ms a function and 80 ms for its import, and it recurses
without end for two functions that call each other. It serves for the odd objects that plain
pickle refuses, see `reduce_refused`.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from . import classes, exceptions, functions, generics, namespaces, own_globals, special_types
from .exceptions import reduce_anyway as reduce_exception
from .fingerprints import fingerprint
from .importability import forget as forget_importability
from .importability import importable
from .namespaces import become_worker, from_here
from .refused import reduce_refused, refuse
from .shared_values import generation

__all__ = [
    "become_worker",
    "fingerprint",
    "forget_importability",
    "from_here",
    "generation",
    "importable",
    "reduce",
    "reduce_exception",
    "reduce_refused",
    "reduce_upward",
]

_Handler = Callable[[Any], Any]


class _Handlers(dict[type, "_Handler | None"]):
    """What reduces the instances of a type; looked up for each object, so it remembers."""

    def __missing__(self, kind: type) -> _Handler | None:
        handler: _Handler | None = None
        for base, its_handler in _OF_ALL_KINDS.items():
            if issubclass(kind, base):
                handler = its_handler
        if handler is None and kind.__module__ == "dataclasses":
            handler = special_types.reduce_of_dataclasses
        if (kind.__module__, kind.__qualname__) == ("unittest.mock", "_Call"):
            handler = special_types.reduce_of_mocks
        if kind.__module__ == "multiprocessing.connection" and kind.__name__.endswith("Connection"):
            # A number of this process, which the copy would close in another.
            handler = refuse
        self[kind] = handler
        return handler


_OF_ALL_KINDS: dict[type, _Handler] = {
    type: classes.reduce,
    types.ModuleType: namespaces.reduce_module,
    BaseException: exceptions.reduce,
}
_handlers = _Handlers(
    {
        **special_types.REDUCERS,
        **dict.fromkeys(generics.KINDS, generics.reduce),
        types.FunctionType: functions.reduce,
        types.CellType: functions.reduce_cell,
        object: own_globals.reduce_sentinel,
    }
)


def reduce(obj: Any) -> Any:
    """Is the ``reducer_override`` of a pickler.

    Returns:
        A reduce tuple for what must travel by its contents, else NotImplemented.

    Raises:
        TypeError: It cannot travel at all.
    """
    handler = _handlers[type(obj)]
    return NotImplemented if handler is None else handler(obj)


def reduce_upward(obj: Any) -> Any:
    """As `reduce`, for what goes from a worker to the program that it works for.

    A class that came from there travels as its token, for the program has it, and has its methods.
    """
    if type(obj) is types.MethodType:
        return special_types.method_by_name(obj)
    return classes.reduce(obj, upward=True) if isinstance(obj, type) else reduce(obj)
