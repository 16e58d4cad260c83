"""Functions: code, closure, defaults, and those globals that the code uses."""

from __future__ import annotations

import importlib
import marshal
import operator
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from . import modules, shared

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
    "__annotations__",
    *(["__type_params__"] if sys.version_info >= (3, 12) else []),
)
_attributes_of = operator.attrgetter(*_ATTRIBUTES)
_INTERPRETER = sys.version_info[:2]
_MANY = 10_000

# By id, and with the code so that the id stays its own: to hash code takes long.
_names: dict[int, tuple[types.CodeType, tuple[str, ...]]] = {}


def reduce(function: types.FunctionType) -> Any:
    """Returns how a function travels; NotImplemented if a worker can import it."""
    if modules.importable(function):
        return NotImplemented
    space = modules.space_of(function.__globals__)
    used = {} if space.imported else used_globals(function)
    if space.shared is not None:
        shared.send(space.shared, used)
    cells = function.__closure__
    state = (
        _attributes_of(function),
        vars(function),
        _submodules(function.__code__, used.values()),
        tuple(contents(cells or ())),
        space.shared,
        used,
    )
    code = marshal.dumps(function.__code__)
    # The cells are made empty and filled afterwards: what is in them may refer to the function.
    return make, (_INTERPRETER, code, space, cells), state, None, None, fill


def reduce_cell(cell: types.CellType) -> Any:
    """Returns how a variable of a closure travels: empty, for `fill` to fill."""
    return types.CellType, ()


def make(
    interpreter: tuple[int, int],
    code: bytes,
    globals_: dict[str, Any],
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
    return types.FunctionType(marshal.loads(code), globals_, closure=cells)  # noqa: S302


def fill(function: types.FunctionType, state: tuple[Any, ...]) -> None:
    """Gives a function that `make` has made all else."""
    attributes, others, imports, values, space, globals_ = state
    for name, value in zip(_ATTRIBUTES, attributes, strict=True):
        setattr(function, name, value)
    vars(function).update(others)
    for name in imports:
        importlib.import_module(name)
    for cell, value in zip(function.__closure__ or (), values, strict=True):
        if value:
            cell.cell_contents = value[0]
    _fill_globals(function.__globals__, space, globals_)
    modules.publish(function)


def _fill_globals(globals_: dict[str, Any], space: str | None, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if space is None:
            globals_[name] = value
        elif not modules.in_worker():
            # A function that comes back must not change the program that it came from.
            globals_.setdefault(name, value)
        elif shared.is_news(space, name, value) or name not in globals_:
            globals_[name] = value


def contents(cells: Iterable[types.CellType]) -> Iterator[tuple[Any, ...]]:
    """Yields for each variable of a closure its value, alone in a tuple; () if it has none."""
    for cell in cells:
        try:
            yield (cell.cell_contents,)
        except ValueError:
            yield ()


def used_globals(function: types.FunctionType) -> dict[str, Any]:
    """Returns the globals that a function uses."""
    globals_ = function.__globals__
    names = global_names(function.__code__)
    return {name: globals_[name] for name in names if name in globals_}


def parts(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yields what a function takes along, each with how to name it after the function."""
    names = function.__code__.co_freevars
    for name, content in zip(names, contents(function.__closure__ or ()), strict=True):
        if content:
            yield f" → its variable {name!r}", content[0]
    if not modules.are_imported(function.__globals__):
        for name, value in used_globals(function).items():
            yield f" → its global {name!r}", value
    yield " → its defaults ", function.__defaults__
    for name, value in (function.__kwdefaults__ or {}).items():
        yield f" → its default of {name!r}", value
    yield from ((f".{name}", value) for name, value in vars(function).items())


def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names of the globals that some code uses, functions in it included."""
    known = _names.get(id(code))
    if known is None:
        if len(_names) > _MANY:
            _names.clear()
        known = _names[id(code)] = code, tuple(_find_global_names(code))
    return known[1]


def _find_global_names(code: types.CodeType) -> dict[str, None]:
    # Not at the top: a worker, and a program whose functions can be imported, do without.
    import dis

    found = {
        instruction.argval: None
        for instruction in dis.get_instructions(code)
        if instruction.opname in _GLOBAL_OPERATIONS
    }
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found.update(_find_global_names(constant))
    return found


def _submodules(code: types.CodeType, used: Iterable[Any]) -> list[str]:
    """Returns the loaded submodules that the code reaches through a package: ``os.path``."""
    packages = [
        value.__name__ + "."
        for value in used
        if isinstance(value, types.ModuleType) and hasattr(value, "__path__")
    ]
    if not packages:
        return []
    names = _all_names(code)
    return [
        loaded
        for loaded in list(sys.modules)
        for package in packages
        if loaded.startswith(package) and names.issuperset(loaded[len(package) :].split("."))
    ]


def _all_names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _all_names(constant)
    return names
