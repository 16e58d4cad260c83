"""Imports go down the stairs: the floors of the house, and who may see whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import gridengine

ROOT = Path(gridengine.__file__).parent

#: Rooms by floor. A module imports from floors below its own; on its own floor from rooms to the
#: left in its line, or in its folder. A folder stands for all in it that is not named itself.
FLOORS = (
    (0, "logs states errors settings shared_memory zmtp"),
    (1, "by_value serializer items ticket answers"),
    (1, "launch"),
    (2, "protocol"),
    (3, "pieces paces waiting resting inquest ledger"),
    (3, "complaints wires network"),
    (3, "worker"),
    (3, "schedulers.events schedulers.base"),
    (4, "schedulers.child schedulers.process"),
    (4, "schedulers.drmaa_session schedulers.drmaa_library schedulers.drmaa_process"),
    (4, "schedulers.native schedulers.ends schedulers.grid_engine schedulers.leftovers"),
    (5, "schedulers"),
    (6, "ahead crew blocks coroner recalls rollcall undertaker clerk hub hubs"),
    (7, "running job chunks partials"),
    (8, "functional dispatcher"),
    (9, "reap cli __main__"),
)


class Room(NamedTuple):
    """Where a module stands: floor, line, and place in the line."""

    floor: int
    line: int
    place: int


ROOMS = {
    name: Room(floor, line, place)
    for line, (floor, names) in enumerate(FLOORS)
    for place, name in enumerate(names.split())
}


class Import(NamedTuple):
    """An import of a module of this package, by its name without the package's."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported or 'the package root'} (line {self.line})"


def modules() -> dict[str, Path]:
    """Returns all modules by name, ``worker.page`` say; the lobby is the empty name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def room_of(module: str) -> str | None:
    """Returns the room that a module belongs to: the nearest that is named in the table."""
    if module == "schedulers":
        return module
    while module and module not in ROOMS:
        module = module.rpartition(".")[0]
    # What lies in schedulers/ must be named: the folder's own floor is above its contents.
    return None if module in ("", "schedulers") else module


def imports_of(module: str) -> Iterator[Import]:
    """Yields the imports within the package, those inside functions and by name too."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for imported in _imported(node, package):
            yield Import(module, imported, getattr(node, "lineno", 0))


def _imported(node: ast.AST, package: list[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if _is_ours(alias.name):
                yield _ours(alias.name)
    elif isinstance(node, ast.ImportFrom) and (node.level or _is_ours(node.module or "")):
        base = package[: len(package) - node.level + 1] if node.level else []
        named = (node.module or "").split(".")
        start = ".".join(part for part in [*base, *(named if node.level else named[1:])] if part)
        for alias in node.names:
            deeper = f"{start}.{alias.name}".lstrip(".")
            yield deeper if deeper in MODULES else start
    elif isinstance(node, ast.Call) and _is_import_by_name(node.func):
        # A name that is no constant is that of a module of the user's.
        name = str(getattr(node.args[0], "value", ""))
        if name.startswith("."):
            yield ".".join([*package, name.lstrip(".")])
        elif _is_ours(name):
            yield _ours(name)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == gridengine.__name__


def _ours(name: str) -> str:
    return name.partition(".")[2]


def _is_import_by_name(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__")


#: The lobby imports from everywhere, on first use.
INSIDE = [module for module in MODULES if module]

#: Every import in the package, found once.
IMPORTS = [each for module in INSIDE for each in imports_of(module)]


def goes_down(imported: Import) -> bool:
    """True if an import is allowed by the floors."""
    here, there = room_of(imported.importer), room_of(imported.imported)
    if here is None or there is None:
        return False
    mine, its = ROOMS[here], ROOMS[there]
    if mine.floor != its.floor:
        return its.floor < mine.floor
    to_the_left = mine.line == its.line and its.place <= mine.place
    return to_the_left or _same_folder(here, there)


def _same_folder(here: str, there: str) -> bool:
    folder = here.rpartition(".")[0]
    return bool(folder) and folder == there.rpartition(".")[0]


@pytest.mark.parametrize("module", INSIDE)
def test_every_module_stands_on_a_floor(module: str) -> None:
    assert room_of(module) is not None, f"{module}: say in FLOORS where it belongs"


def test_every_room_of_the_table_is_there() -> None:
    assert set(ROOMS) <= set(MODULES)


@pytest.mark.parametrize("module", INSIDE)
def test_imports_go_down(module: str) -> None:
    up = [str(each) for each in IMPORTS if each.importer == module and not goes_down(each)]
    assert up == []


def test_nobody_inside_imports_the_package_root() -> None:
    assert [str(each) for each in IMPORTS if not each.imported] == []


def test_the_host_s_side_never_imports_the_worker_s() -> None:
    def is_worker(module: str) -> bool:
        return module.split(".")[0] == "worker"

    across = [e for e in IMPORTS if is_worker(e.imported) and not is_worker(e.importer)]
    assert list(map(str, across)) == []


def test_the_ledger_is_pure() -> None:
    # No socket, thread, clock or pickle; the rest of the package is looked after by the floors.
    nodes = [
        node
        for name in ("ledger", "pieces", "paces", "waiting", "inquest")
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8")))
    ]
    imported: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
    allowed = "__future__ collections collections.abc dataclasses itertools math typing"
    ours = "pieces paces waiting resting inquest settings states ticket"
    assert imported <= {*allowed.split(), *ours.split()}


def test_the_map_in_the_lobby_agrees_with_the_floors() -> None:
    assert gridengine.__doc__ is not None
    floor = 0
    for line in gridengine.__doc__.partition("====\n")[2].splitlines():
        floor = int(line[0]) if line[:1].isdigit() else floor
        for name in re.findall(r"``([\w/…]+)``", line[6:53]):
            room = name.strip("/").replace("…", "schedulers").replace("/", ".")
            assert ROOMS[room].floor == floor, f"{room} is not on floor {floor}"


# ---------------------------------------------------------------------- the tests' own eyes


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("job", "hub", True),
        ("hub", "job", False),
        ("errors", "states", True),
        ("states", "errors", False),
        ("ledger", "worker.page", False),
        ("worker.supervisor", "worker.page", True),
        ("worker.page", "schedulers.base", False),
        ("schedulers.grid_engine", "schedulers.drmaa_session.messages", True),
        ("schedulers.process", "schedulers", False),
        ("schedulers.base", "schedulers.process", False),
        ("by_value.odd", "by_value.modules", True),
        ("ticket", "serializer", True),
        ("serializer", "ticket", False),
        ("hub", "", False),
    ],
)
def test_these_tests_can_tell_up_from_down(importer: str, imported: str, allowed: bool) -> None:
    assert goes_down(Import(importer, imported, 1)) is allowed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from . import protocol", ["protocol"]),
        ("from .. import protocol", ["protocol"]),
        ("from .page import Page", ["worker.page"]),
        ("from ..errors import Death", ["errors"]),
        ("from .. import Job", [""]),
        ("import gridengine", [""]),
        ("import gridengine.hub as hub", ["hub"]),
        ("from gridengine import map", [""]),
        ("from gridengine.schedulers import base", ["schedulers.base"]),
        ("def f():\n    from ..job import Job", ["job"]),
        ("importlib.import_module('gridengine.job')", ["job"]),
        ("__import__('gridengine')", [""]),
        ("import os, zmq\nfrom json import dump", []),
    ],
)
def test_these_tests_see_every_sort_of_import(text: str, found: list[str]) -> None:
    package = [] if text == "from . import protocol" else ["worker"]
    seen = [each for node in ast.walk(ast.parse(text)) for each in _imported(node, package)]
    assert seen == found
