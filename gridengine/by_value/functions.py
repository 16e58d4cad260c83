"""Functions: code, closure, defaults, and those globals that the code uses."""

from __future__ import annotations

import importlib
import marshal
import sys
import types
import weakref
from collections.abc import Iterator
from typing import Any

from . import modules

_ATOMS = frozenset({int, float, bool, str, bytes, complex, type(None)})
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

_names: weakref.WeakKeyDictionary[types.CodeType, tuple[str, ...]] = weakref.WeakKeyDictionary()
_INTERPRETER = sys.version_info[:2]


def reduce(function: types.FunctionType) -> Any:
    """Returns how a function travels; NotImplemented if a worker can import it."""
    if modules.importable(function):
        return NotImplemented
    globals_ = function.__globals__
    code = function.__code__
    origin = (
        globals_.get("__name__", function.__module__ or "__main__"),
        globals_.get("__package__"),
        globals_.get("__file__"),
    )
    cells = function.__closure__
    used = {name: globals_[name] for name in global_names(code) if name in globals_}
    state = {
        "globals": used,
        "imports": _submodules(code, used.values()),
        "cells": tuple(_contents(cells or ())),
        "defaults": function.__defaults__,
        "kwdefaults": function.__kwdefaults__,
        "name": function.__name__,
        "qualname": function.__qualname__,
        "module": function.__module__,
        "annotations": function.__annotations__,
        "attributes": vars(function),
    }
    # The cells are made empty and filled afterwards: what is in them may refer to the function.
    return make, (_INTERPRETER, marshal.dumps(code), origin, cells), state, None, None, fill


def reduce_cell(cell: types.CellType) -> Any:
    """Returns how a variable of a closure travels: empty, for `fill` to fill."""
    return types.CellType, ()


def make(
    interpreter: tuple[int, int],
    code: bytes,
    origin: tuple[str, str | None, str | None],
    cells: tuple[types.CellType, ...] | None,
) -> types.FunctionType:
    """Returns an empty shell of a function, which `fill` completes.

    Raises:
        TypeError: It was packed by another version of Python.
    """
    if interpreter != _INTERPRETER:
        here = ".".join(map(str, _INTERPRETER))
        there = ".".join(map(str, interpreter))
        raise TypeError(f"a function of Python {there} cannot run in Python {here}")
    return types.FunctionType(
        marshal.loads(code),  # noqa: S302  # from our own, authenticated peer
        modules.namespace(*origin),
        closure=cells,
    )


def fill(function: types.FunctionType, state: dict[str, Any]) -> None:
    """Gives a function that `make` has made all else."""
    function.__defaults__ = state["defaults"]
    function.__kwdefaults__ = state["kwdefaults"]
    function.__name__ = state["name"]
    function.__qualname__ = state["qualname"]
    function.__module__ = state["module"]
    function.__annotations__ = state["annotations"]
    vars(function).update(state["attributes"])
    for name in state["imports"]:
        importlib.import_module(name)
    for cell, content in zip(function.__closure__ or (), state["cells"], strict=True):
        if content:
            cell.cell_contents = content[0]
    globals_ = function.__globals__
    if modules.in_worker():
        globals_.update(state["globals"])
    else:
        # A function that comes back must not change the program that it came from.
        for name, value in state["globals"].items():
            globals_.setdefault(name, value)


def _contents(cells: tuple[types.CellType, ...]) -> Iterator[tuple[Any, ...]]:
    for cell in cells:
        try:
            yield (cell.cell_contents,)
        except ValueError:  # A variable that has no value yet.
            yield ()


def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names of the globals that some code uses, functions in it included."""
    known = _names.get(code)
    if known is None:
        # Not at import: most programs send nothing that must be looked into.
        import dis

        found = {
            instruction.argval: None
            for instruction in dis.get_instructions(code)
            if instruction.opname in _GLOBAL_OPERATIONS
        }
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                found.update(dict.fromkeys(global_names(constant)))
        known = _names[code] = tuple(found)
    return known


def _submodules(code: types.CodeType, used: Any) -> list[str]:
    """Returns the loaded submodules that the code reaches through a package: ``os.path``."""
    names = _all_names(code)
    return [
        loaded
        for package in used
        if isinstance(package, types.ModuleType) and hasattr(package, "__path__")
        for loaded in list(sys.modules)
        if loaded.startswith(package.__name__ + ".")
        and names.issuperset(loaded[len(package.__name__) + 1 :].split("."))
    ]


def _all_names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _all_names(constant)
    return names


def fingerprint(function: types.FunctionType) -> tuple[Any, ...] | None:
    """Returns a value that stays equal as long as the function would be packed to the same.

    None if that cannot be told by a look, because it uses something that can change within,
    such as a list.
    """
    parts: list[Any] = []
    return tuple(parts) if _note(function, parts, set()) else None


def _note(value: Any, parts: list[Any], seen: set[int]) -> bool:
    """Adds what identifies a value to ``parts``; False if nothing does."""
    kind = type(value)
    if kind in _ATOMS:
        # With its type: 1 and True are equal.
        parts.append((kind, value))
        return True
    if kind is types.FunctionType:
        return _note_function(value, parts, seen)
    if kind is tuple:
        parts.append(len(value))
        return all(_note(item, parts, seen) for item in value)
    if kind in (types.ModuleType, types.BuiltinFunctionType, types.BuiltinMethodType) or (
        isinstance(value, type)
    ):
        parts.append(value)
        return True
    return False


def _note_function(function: types.FunctionType, parts: list[Any], seen: set[int]) -> bool:
    if id(function) in seen:
        return True
    seen.add(id(function))
    code = function.__code__
    parts.append(function)
    parts.append(code)
    if modules.importable(function):
        return True
    if function.__dict__ or function.__kwdefaults__:
        return False
    if not _note(function.__defaults__ or (), parts, seen):
        return False
    for content in _contents(function.__closure__ or ()):
        if not _note(content, parts, seen):
            return False
    globals_ = function.__globals__
    for name in global_names(code):
        if name in globals_ and not _note(globals_[name], parts, seen):
            return False
    return True
