"""Imports go down: which folder of the package may know which."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import gridengine

ROOT = Path(gridengine.__file__).parent

#: The folders, lowest first, and which of those above it each may import from. What lies on the
#: top level of the package, below them all, everybody may import.
FOLDERS = {
    "transport": "",
    "serialization": "transport",
    "schedulers": "",
    "ledger": "schedulers serialization transport",
    "worker": "serialization transport",
    "dispatcher": "ledger schedulers serialization transport",
    "client": "dispatcher ledger schedulers serialization transport",
    "cli": "client dispatcher schedulers transport",
}
TOP = {"errors", "logs", "settings", "states"}

#: What the ledger may import from the standard library: nothing with which it could look at a
#: clock, talk to anybody, or run somebody's code.
PURE = {"__future__", "builtins", "collections", "collections.abc", "enum", "functools"}
PURE |= {"itertools", "math", "typing", "signal", "abc", "types"}


class Import(NamedTuple):
    """An import: of a module of this package by its name within it, else by its own name."""

    importer: str
    imported: str
    ours: bool
    line: int

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported or 'the package root'} (line {self.line})"


def modules() -> dict[str, Path]:
    """Returns all modules by name, ``worker.worker`` say; the lobby is the empty name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imports_of(module: str) -> Iterator[Import]:
    """Yields all imports of a module, those inside functions and by name too."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for imported, ours in _imported(node, package):
            yield Import(module, imported, ours, getattr(node, "lineno", 0))


def _imported(node: ast.AST, package: list[str]) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield _named(alias.name)
    elif isinstance(node, ast.ImportFrom):
        if not node.level:
            start, ours = _named(node.module or "")
        else:
            base = package[: len(package) - node.level + 1]
            start, ours = ".".join([*base, *filter(None, [node.module])]), True
        for alias in node.names:
            deeper = f"{start}.{alias.name}".lstrip(".")
            yield (deeper if ours and deeper in MODULES else start), ours
    elif isinstance(node, ast.Call) and _is_import_by_name(node.func):
        # A name that is no constant is that of a module of the user's.
        name = str(getattr(node.args[0], "value", ""))
        if name.startswith("."):
            yield ".".join([*package, name.lstrip(".")]), True
        elif name:
            yield _named(name)


def _named(name: str) -> tuple[str, bool]:
    ours = name.split(".")[0] == gridengine.__name__
    return (name.partition(".")[2] if ours else name), ours


def _is_import_by_name(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__")


#: Every import in the package, found once. The lobby imports from everywhere, on first use.
IMPORTS = [each for module in MODULES if module for each in imports_of(module)]
OURS = [each for each in IMPORTS if each.ours]


def folder_of(module: str) -> str:
    """Returns the folder in which a module lies, nothing for one of the top level."""
    first = module.split(".")[0]
    return first if first in FOLDERS else ""


def goes_down(imported: Import) -> bool:
    """True if an import is allowed by the order of the folders."""
    here, there = folder_of(imported.importer), folder_of(imported.imported)
    if not there:
        return imported.imported in TOP
    if imported.importer == "__main__":
        return there == "cli"
    return here == there or there in FOLDERS.get(here, "").split()


@pytest.mark.parametrize("module", [module for module in MODULES if module])
def test_imports_go_down(module: str) -> None:
    assert [str(each) for each in OURS if each.importer == module and not goes_down(each)] == []


def test_every_module_lies_in_a_folder_of_the_table_or_is_known_by_all() -> None:
    elsewhere = {module for module in MODULES if module and not folder_of(module)}
    assert elsewhere == {*TOP, "__main__"}
    assert {folder_of(module) for module in MODULES} == {"", *FOLDERS}


def test_the_table_itself_goes_down() -> None:
    order = list(FOLDERS)
    for place, (folder, allowed) in enumerate(FOLDERS.items()):
        assert set(allowed.split()) <= set(order[:place]), folder


def test_no_two_modules_import_each_other() -> None:
    # Those that are imported when a module is; not those inside of functions or for types alone.
    graph: dict[str, set[str]] = {module: set() for module in MODULES if module}
    for module in graph:
        path = MODULES[module]
        package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            graph[module] |= {name for name, ours in _imported(node, package) if ours and name}
        # `from . import x` names the folder where x is none of its modules.
        graph[module] -= {module, *(each for each in graph[module] if each not in graph)}
    graphlib.TopologicalSorter(graph).prepare()


def test_the_ledger_is_pure() -> None:
    # All that it is made of, and what that imports: no socket, thread, clock or pickle.
    inside = {module for module in MODULES if module.split(".")[0] == "ledger"}
    assert len(inside) > 5
    seen: set[str] = set()
    while inside - seen:
        module = (inside - seen).pop()
        seen.add(module)
        for each in IMPORTS:
            if each.importer != module:
                continue
            if each.ours:
                inside.add(each.imported)
            else:
                assert each.imported in PURE or (module, each.imported) in ALLOWED, str(each)


#: Settings are read from the environment, when a scheduler is opened.
ALLOWED = {("settings", "os")}


def test_the_drawing_in_the_lobby_shows_all_folders_in_their_order() -> None:
    assert gridengine.__doc__ is not None
    drawn = re.findall(r"^``(\w+)/``  +\S", gridengine.__doc__, re.MULTILINE)
    assert drawn == list(FOLDERS)


# ---------------------------------------------------------------------- the tests' own eyes


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("client.job", "dispatcher.dispatcher", True),
        ("dispatcher.dispatcher", "client.job", False),
        ("ledger.ledger", "worker.progress_page", False),
        ("worker.supervisor", "worker.progress_page", True),
        ("worker.progress_page", "schedulers.base", False),
        ("schedulers.process", "ledger.ledger", False),
        ("ledger.task", "serialization.serializer", True),
        ("serialization.serializer", "ledger.task", False),
        ("errors", "states", True),
        ("errors", "ledger.task", False),
        ("dispatcher.dispatcher", "", False),
        ("__main__", "cli.main", True),
    ],
)
def test_these_tests_can_tell_up_from_down(importer: str, imported: str, allowed: bool) -> None:
    assert goes_down(Import(importer, imported, True, 1)) is allowed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from . import worker", ["worker.worker"]),
        ("from .. import errors", ["errors"]),
        ("from .supervisor import Supervisor", ["worker.supervisor"]),
        ("from ..errors import Death", ["errors"]),
        ("from .. import Job", [""]),
        ("import gridengine", [""]),
        ("import gridengine.client.job as job", ["client.job"]),
        ("from gridengine import map", [""]),
        ("from gridengine.schedulers import base", ["schedulers.base"]),
        ("def f():\n    from ..client.job import Job", ["client.job"]),
        ("importlib.import_module('gridengine.client.job')", ["client.job"]),
        ("__import__('gridengine')", [""]),
        ("import os, zmq\nfrom json import dump", []),
    ],
)
def test_these_tests_see_every_sort_of_import(text: str, found: list[str]) -> None:
    seen = [each for node in ast.walk(ast.parse(text)) for each in _imported(node, ["worker"])]
    assert [name for name, ours in seen if ours] == found
