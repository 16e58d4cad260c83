"""What functions and classes consist of: cloudpickle's word, and what it overlooks (3.1.3).

For the program's side: what has been packed is put together again without cloudpickle, whose
import would keep a worker's first result waiting (by a quarter, measured from cold).

What it overlooks: the globals that the body of a class inside a function uses, submodules used
only by a function inside another, the type parameters of a function (PEP 695), annotations of a
class whose names are not known yet (PEP 649), and a mangled name as the only slot of a class.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from cloudpickle import cloudpickle

_MANY = 10_000

# By id, and with the code so that the id stays its own: to hash code takes long.
_names: dict[int, tuple[types.CodeType, tuple[str, ...]]] = {}


def of_function(function: types.FunctionType) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what a function has in its ``__dict__``, and its other attributes."""
    try:
        others, attributes = cloudpickle._function_getstate(function)
    except NameError:
        # One of its annotations; a copy has them as text.
        copy = types.FunctionType(
            function.__code__, function.__globals__, closure=function.__closure__
        )
        copy.__annotations__ = _annotations(function)
        others, attributes = cloudpickle._function_getstate(copy)
        others = dict(vars(function))
        for name in ("__name__", "__qualname__", "__defaults__", "__kwdefaults__", "__module__"):
            attributes[name] = getattr(function, name)
        attributes["__doc__"] = function.__doc__
    for name in ("__closure__", "__globals__", "_cloudpickle_submodules"):
        del attributes[name]
    if parameters := getattr(function, "__type_params__", None):
        attributes["__type_params__"] = parameters
    return others, attributes


def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names of the globals that some code uses, functions in it included."""
    known = _names.get(id(code))
    if known is None:
        if len(_names) > _MANY:
            _names.clear()
        found = dict(cloudpickle._extract_code_globals(code))
        for inner in _codes(code):
            if inner is not code and not inner.co_flags & inspect.CO_OPTIMIZED:
                found.update(dict.fromkeys(inner.co_names))
        known = _names[id(code)] = code, tuple(found)
    return known[1]


def submodules(code: types.CodeType, values: Iterable[Any]) -> list[str]:
    """Returns the loaded submodules that some code reaches through a package: ``os.path``."""
    packages = [value for value in values if hasattr(value, "__path__")]
    if not packages:
        return []
    found = (cloudpickle._find_imported_submodules(each, packages) for each in _codes(code))
    return [module.__name__ for modules in found for module in modules]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def of_class(cls: type) -> dict[str, Any]:
    """Returns the attributes of a class, ``_abc_impl`` the classes registered with it."""
    try:
        attributes: dict[str, Any] = cloudpickle._class_getstate(cls)[0]
    except KeyError:
        attributes = cloudpickle._extract_class_dict(cls)
    if sys.version_info >= (3, 14) and "__annotations__" not in attributes:
        attributes.pop("__annotations_cache__", None)
        if annotations := _annotations(cls):
            attributes["__annotations__"] = annotations
    return attributes


def _annotations(obj: Any) -> dict[str, Any]:
    if sys.version_info < (3, 14):
        return inspect.get_annotations(obj)
    annotationlib: Any = importlib.import_module("annotationlib")
    try:
        found = annotationlib.get_annotations(obj)
    except NameError:
        found = annotationlib.get_annotations(obj, format=annotationlib.Format.STRING)
    return dict(found)
