"""What functions and classes are made of, in words that are the same in each run of a program.

Of those of Python and of installed packages the name says all. Of a function or a class that
workers import from a module of the user's, it is the name and the code of that module, and of all
the user's modules that this one uses. Of all others, those of ``__main__``, lambdas and closures,
it is their own code, with the values of the globals and variables that they use, and the code of
the user's modules that they import when they are called.

Code is what the compiler has made of the source: neither comments nor the place in the file count.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from .by_value import importable
from .by_value.classes import attributes
from .by_value.functions import cell_contents, used_globals
from .sources import Sources, imported

KINDS = (types.FunctionType, type, types.ModuleType)
"""What `described` is for."""

#: Of a class: what the interpreter, or a library, notes there in an order or with a number that is
#: another one each time, and what no call depends on.
_NOTES = frozenset(
    {
        "__annotations__",
        "__dataclass_fields__",
        "__doc__",
        "__firstlineno__",
        "__parameters__",
        "__static_attributes__",
    }
)


class Known:
    """What was found so far.

    Args:
        code: Whether code counts. If not, all functions and classes are known by their names, and
            functions by what is in their variables.

    Attributes:
        code: Whether code counts.
        digests: Of functions, classes and modules, by their ids; with them, so that those last.
        sources: Of the user's modules.
    """

    def __init__(self, *, code: bool = True) -> None:
        self.code = code
        self.digests: dict[int, tuple[object, bytes]] = {}
        self.sources = Sources()


def described(
    obj: Any,
    known: Known,
    enter: Callable[[object], object],
    part: Callable[[object], bytes],
) -> Any:
    """Returns what stands for a function, class or module; None for one whose name says all.

    Args:
        obj: It.
        known: What was found so far.
        enter: Told of it before its parts are looked at, for it may be one of them.
        part: Returns the digest of a part.
    """
    if not known.code:
        return _bound(obj, enter, part)
    if isinstance(obj, types.ModuleType):
        return "module", obj.__name__, known.sources.of([obj.__name__])
    if importable(obj):
        return named(obj, known)
    if isinstance(obj, type):
        if obj.__module__ == "builtins":
            return None
        enter(obj)
        return _class(obj, part)
    enter(obj)
    return _function(obj, known, part)


def _bound(obj: Any, enter: Callable[[object], object], part: Callable[[object], bytes]) -> Any:
    """Returns the name of a function, class or module, and what the program has bound to it."""
    if not isinstance(obj, types.FunctionType):
        return "named", getattr(obj, "__module__", None), getattr(obj, "__qualname__", obj.__name__)
    enter(obj)
    values = [tuple(map(part, each)) for each in cell_contents(obj.__closure__ or ())]
    if obj.__name__ == "<lambda>":
        # ``lambda x, k=k: …`` is the other way to bind a value.
        values += [tuple(map(part, (obj.__defaults__, obj.__kwdefaults__)))]
    return "named", obj.__module__, obj.__qualname__, values


def named(obj: Any, known: Known) -> Any:
    """Returns what stands for what a worker imports; None if its name says all."""
    if not known.code:
        return None
    sources = known.sources.of([obj.__module__])
    return ("name", obj.__module__, obj.__qualname__, sources) if sources else None


def _function(function: types.FunctionType, known: Known, part: Callable[[object], bytes]) -> Any:
    cells = [tuple(map(part, each)) for each in cell_contents(function.__closure__ or ())]
    globals_ = [(name, part(value)) for name, value in used_globals(function).items()]
    own = function.__defaults__, function.__kwdefaults__, vars(function)
    return (
        "function", function.__module__, function.__qualname__, part(function.__code__),
        *map(part, own), cells, globals_,
        known.sources.of(imported(function.__code__, function.__globals__.get("__package__"))),
    )  # fmt: skip


def _class(cls: type, part: Callable[[object], bytes]) -> Any:
    values = [(name, _attribute(value, part)) for name, value in sorted(attributes(cls).items())
              if name not in _NOTES]  # fmt: skip
    return "class", cls.__module__, cls.__qualname__, [part(base) for base in cls.__bases__], values


def _attribute(value: Any, part: Callable[[object], bytes]) -> Any:
    if isinstance(value, (staticmethod, classmethod)):
        return type(value).__name__, part(value.__func__)
    if type(value) is property:
        return "property", part((value.fget, value.fset, value.fdel))
    return part(value)


def _code(code: types.CodeType) -> Any:
    return (
        "code", code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_flags, code.co_code, code.co_consts, code.co_names, code.co_varnames,
        code.co_freevars, code.co_cellvars, getattr(code, "co_exceptiontable", b""),
    )  # fmt: skip


PARTS: dict[type, Callable[[Any], Any]] = {types.CodeType: _code}
"""What is put in the place of objects that are parts of definitions."""
