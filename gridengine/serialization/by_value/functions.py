"""Functions: code, closure, defaults, and those globals that the code uses.

Code travels as `marshal` writes it: both sides run the same interpreter.
"""

from __future__ import annotations

import functools
import importlib
import marshal
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from . import namespaces, own_globals
from .importability import importable

_INTERPRETER = sys.version_info[:2]


def reduce(function: types.FunctionType) -> Any:
    """Returns how a function travels; NotImplemented if a worker can import it."""
    if importable(function):
        return NotImplemented
    # Not at the top: a worker, and a program whose functions can be imported, do without.
    from . import contents

    space = namespaces.of(function.__globals__)
    used = used_globals(function)
    cells = function.__closure__
    values = tuple(cell_contents(cells or ()))
    submodules = contents.submodules(
        function.__code__, (*used.values(), *(value for each in values for value in each))
    )
    others, attributes = contents.of_function(function)
    if space.shared is not None and space.imported:
        name = functools.partial(own_globals.named, space.shared)
        values = tuple(tuple(map(name, each)) for each in values)
        attributes["__defaults__"] = tuple(map(name, function.__defaults__ or ())) or None
    state = (others, attributes, submodules, values, space.pack(used))
    code = marshal.dumps(function.__code__)
    # The cells are made empty and filled afterwards: what is in them may refer to the function,
    # and several functions may share one.
    return make, (_INTERPRETER, code, space, cells), state, None, None, fill


def reduce_cell(cell: types.CellType) -> Any:
    """Returns how a variable of a closure travels: empty, for `fill` to fill."""
    return types.CellType, ()


def make(
    interpreter: tuple[int, int],
    code: bytes,
    space: types.ModuleType,
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
    # From our own, authenticated peer.
    return types.FunctionType(marshal.loads(code), vars(space), closure=cells)  # noqa: S302


def fill(function: types.FunctionType, state: tuple[Any, ...]) -> None:
    """Gives a function that `make` has made all else."""
    others, attributes, submodules, values, globals_ = state
    for name, value in attributes.items():
        setattr(function, name, value)
    vars(function).update(others)
    for name in submodules:
        importlib.import_module(name)
    for cell, value in zip(function.__closure__ or (), values, strict=True):
        if value:
            cell.cell_contents = value[0]
    namespaces.fill(function.__globals__, globals_)
    namespaces.publish(function)


def cell_contents(cells: Iterable[types.CellType]) -> Iterator[tuple[Any, ...]]:
    """Yields for each variable of a closure its value, alone in a tuple; () if it has none."""
    for cell in cells:
        try:
            yield (cell.cell_contents,)
        except ValueError:
            yield ()


def used_globals(function: types.FunctionType) -> dict[str, Any]:
    """Returns the globals that a function uses."""
    from .contents import global_names

    globals_ = function.__globals__
    return {name: globals_[name] for name in global_names(function.__code__) if name in globals_}


def parts(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yields what a function takes along, each with how to name it after the function."""
    names = function.__code__.co_freevars
    for name, content in zip(names, cell_contents(function.__closure__ or ()), strict=True):
        if content:
            yield f" → its variable {name!r}", content[0]
    space = namespaces.of(function.__globals__)
    for name, value in space.with_stand_ins(used_globals(function)).items():
        yield f" → its global {name!r}", value
    yield " → its defaults ", function.__defaults__
    for name, value in (function.__kwdefaults__ or {}).items():
        yield f" → its default of {name!r}", value
    yield from ((f".{name}", value) for name, value in vars(function).items())
