"""What functions and classes consist of, for the program's side."""

from __future__ import annotations

import abc
import dis
import importlib
import inspect
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

_GLOBAL_OPERATIONS = frozenset(
    {
        "LOAD_GLOBAL",
        "STORE_GLOBAL",
        "DELETE_GLOBAL",
        # In the body of a class inside a function.
        "LOAD_NAME",
        "LOAD_FROM_DICT_OR_GLOBALS",
    }
)
_ATTRIBUTES = (
    "__defaults__",
    "__kwdefaults__",
    "__name__",
    "__qualname__",
    "__module__",
    "__doc__",
    *(["__type_params__"] if sys.version_info >= (3, 12) else []),
)
_MANY = 10_000

# By id, and with the code so that the id stays its own: to hash code takes long.
_names: dict[int, tuple[types.CodeType, tuple[str, ...]]] = {}


def of_function(function: types.FunctionType) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what a function has in its ``__dict__``, and its other attributes."""
    attributes = {name: getattr(function, name) for name in _ATTRIBUTES}
    attributes["__annotations__"] = _annotations(function)
    return vars(function), attributes


def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names of the globals that some code uses, functions in it included."""
    known = _names.get(id(code))
    if known is None:
        if len(_names) > _MANY:
            _names.clear()
        # Each once, in order.
        found = dict.fromkeys(name for inner in _codes(code) for name in _global_names(inner))
        known = _names[id(code)] = code, tuple(found)
    return known[1]


def _global_names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in _GLOBAL_OPERATIONS:
            yield instruction.argval


def submodules(code: types.CodeType, values: Iterable[Any]) -> list[str]:
    """Returns the loaded submodules that some code reaches through a package: ``os.path``."""
    # By its type first: what else there is may make up any attribute, or fail to.
    packages = [
        value.__name__ + "."
        for value in values
        if isinstance(value, types.ModuleType) and hasattr(value, "__path__")
    ]
    if not packages:
        return []
    names = {name for inner in _codes(code) for name in inner.co_names}
    return [
        loaded
        for loaded in list(sys.modules)
        for package in packages
        if loaded.startswith(package) and names.issuperset(loaded[len(package) :].split("."))
    ]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def of_class(cls: type) -> dict[str, Any]:
    """Returns what a class has that was made just now, and may not be known by its identity.

    These are the classes registered with it (``_abc_impl``), and from Python 3.14 on its
    annotations, which it has as code until somebody asks.
    """
    made: dict[str, Any] = {}
    if isinstance(cls, abc.ABCMeta):
        registered = [reference() for reference in abc._get_dump(cls)[0]]  # type: ignore[attr-defined]
        made["_abc_impl"] = [each for each in registered if each is not None]
    if sys.version_info >= (3, 14) and "__annotations__" not in vars(cls):
        if annotations := _annotations(cls):
            made["__annotations__"] = annotations
    return made


def _annotations(obj: Any) -> dict[str, Any]:
    if sys.version_info < (3, 14):
        return inspect.get_annotations(obj)
    annotationlib: Any = importlib.import_module("annotationlib")
    try:
        found = annotationlib.get_annotations(obj)
    except NameError:
        found = annotationlib.get_annotations(obj, format=annotationlib.Format.STRING)
    return dict(found)
