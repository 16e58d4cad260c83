"""What functions and classes are made of, in words that are the same in each run of a program.

Of those of Python and of installed packages the name says all. Of a function or a class that
workers import from a module of the user's, it is the name and the code of that module, and of all
the user's modules that this one uses. Of all others, those of ``__main__``, lambdas and closures,
it is their own code, with the values of the globals and variables that they use.

Code is what the compiler has made of the source: neither comments nor the place in the file count.
"""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from .by_value import importable
from .by_value.classes import attributes
from .by_value.functions import cell_contents, used_globals
from .by_value.importability import module_importable
from .code_changes import source_of

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

    Attributes:
        digests: Of functions, classes and modules, by their ids; with them, so that those last.
        sources: The digest of each of the user's modules, by name.
    """

    def __init__(self) -> None:
        self.digests: dict[int, tuple[object, bytes]] = {}
        self.sources: dict[str, bytes] = {}


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
    if isinstance(obj, types.ModuleType):
        return "module", obj.__name__, _sources(obj.__name__, known)
    if importable(obj):
        sources = _sources(obj.__module__, known)
        return ("name", obj.__module__, obj.__qualname__, sources) if sources else None
    if isinstance(obj, type):
        if obj.__module__ == "builtins":
            return None
        enter(obj)
        return _class(obj, part)
    enter(obj)
    return _function(obj, part)


def _function(function: types.FunctionType, part: Callable[[object], bytes]) -> Any:
    cells = [tuple(map(part, each)) for each in cell_contents(function.__closure__ or ())]
    globals_ = [(name, part(value)) for name, value in used_globals(function).items()]
    own = function.__defaults__, function.__kwdefaults__, vars(function)
    return (
        "function", function.__module__, function.__qualname__, part(function.__code__),
        *map(part, own), cells, globals_,
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


def _sources(name: str, known: Known) -> list[tuple[str, bytes]]:
    """Returns the digests of a module and of all that it uses, as far as they are the user's."""
    found: dict[str, bytes] = {}
    left = [name]
    while left:
        name = left.pop()
        module = sys.modules.get(name)
        path = source_of(name, module) if type(module) is types.ModuleType else None
        if name in found or path is None or not module_importable(name):
            continue
        if name not in known.sources:
            known.sources[name] = _digest_of_source(path)
        found[name] = known.sources[name]
        left += _used_modules(module)
    return sorted(found.items())


def _used_modules(module: types.ModuleType | None) -> Iterator[str]:
    for value in list(vars(module).values()):
        if type(value) is types.ModuleType:
            yield value.__name__
        elif isinstance(value, (types.FunctionType, type)) and isinstance(value.__module__, str):
            yield value.__module__


def _digest_of_source(path: str) -> bytes:
    from .digests import Digests

    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        # In an archive, or gone: its name must do.
        return b""
    try:
        return Digests().of(compile(source, path, "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        # It is being edited.
        return hashlib.blake2b(source, digest_size=16).digest()
