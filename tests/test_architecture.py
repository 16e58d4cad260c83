"""Imports go down: which folder of the package may know which."""

from __future__ import annotations

import ast
import collections
import functools
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
    "schedulers": "transport",
    "ledger": "schedulers serialization transport",
    "worker": "serialization transport",
    "observers": "ledger schedulers serialization transport",
    "dashboard": "observers ledger schedulers serialization transport",
    "dispatcher": "observers worker ledger schedulers serialization transport",
    "client": "observers dispatcher worker ledger schedulers serialization transport",
    "compat": "client dispatcher dashboard observers worker ledger schedulers "
    "serialization transport",
    "testing": "client schedulers serialization",
    "diagnosis": "client dispatcher schedulers transport",
    "cli": "diagnosis client dispatcher dashboard observers schedulers serialization transport",
}
TOP = {
    "errors", "extras", "html_tables", "logs", "mail_addresses", "nesting", "plugins", "settings",
    "settings_file", "settings_sources", "states",
}  # fmt: skip

#: What lies there only for users to import it by its name; nobody else does.
FACES = {"aio", "dispatch", "functional", "job"}

#: Programs as users write them, which import the package itself.
PROGRAMS = {"example"}

#: What the ledger may import from the standard library: nothing with which it could look at a
#: clock, talk to anybody, or run somebody's code.
PURE = {"__future__", "builtins", "collections", "collections.abc", "enum", "functools"}
PURE |= {
    "errno",
    "html",
    "itertools",
    "math",
    "typing",
    "typing_extensions",
    "signal",
    "abc",
    "types",
}
PURE |= {"msgspec"}

#: What else some of it needs: settings are read from the environment, when a scheduler is opened,
#: and from files, where there are any; what is wrong with them is said in the log.
#: The schedulers' package imports what it names when somebody asks for it; which ``with`` a thread
#: is in is its client's affair, and nothing here asks.
ALLOWED = {("schedulers", "importlib"), ("schedulers.base", "contextvars")}
ALLOWED |= {("settings_sources", name) for name in ("os", "operator", "fnmatch")}
ALLOWED |= {("plugins", "functools"), ("plugins", "importlib"), ("plugins", "importlib.metadata")}
ALLOWED |= {("logs", "logging"), ("logs", "sys")}
ALLOWED |= {
    ("settings_file", name)
    for name in ("os", "sys", "stat", "tomllib", "tomli", "difflib", "grp", "pwd")
}

#: What reaches out without an import.
IMPURE = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}


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
    for node in ast.walk(_tree(module)):
        for imported, ours in _imported(node, _package(module)):
            yield Import(module, imported, ours, getattr(node, "lineno", 0))


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def _package(module: str) -> list[str]:
    parts = [part for part in module.split(".") if part]
    return parts if MODULES[module].name == "__init__.py" else parts[:-1]


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
        name = str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else ""
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


@functools.cache
def imports() -> list[Import]:
    """Returns every import in the package but those of the lobby, which are from everywhere."""
    return [each for module in MODULES if module for each in imports_of(module)]


@functools.cache
def ours() -> list[Import]:
    """Returns those of modules of the package."""
    return [each for each in imports() if each.ours]


def folder_of(module: str) -> str:
    """Returns the folder in which a module lies, nothing for one of the top level."""
    first = module.split(".")[0]
    return first if first in FOLDERS else ""


def goes_down(imported: Import) -> bool:
    """True if an import is allowed by the order of the folders."""
    here, there = folder_of(imported.importer), folder_of(imported.imported)
    if imported.importer in PROGRAMS:
        return not imported.imported
    if here == "testing" and not imported.imported:
        # Its tests are programs too.
        return True
    if not there:
        return imported.imported in TOP
    if imported.importer == "__main__":
        return there == "cli"
    if imported.importer in FACES:
        return there in ("client", "schedulers")
    return here == there or there in FOLDERS.get(here, "").split()


def test_imports_go_down() -> None:
    assert [str(each) for each in ours() if not goes_down(each)] == []


def test_every_module_lies_in_a_folder_of_the_table_or_is_known_by_all() -> None:
    elsewhere = {module for module in MODULES if module and not folder_of(module)}
    assert elsewhere == {*TOP, *FACES, *PROGRAMS, "__main__"}
    assert {folder_of(module) for module in MODULES} == {"", *FOLDERS}


def test_the_table_itself_goes_down() -> None:
    order = list(FOLDERS)
    for place, (folder, allowed) in enumerate(FOLDERS.items()):
        assert set(allowed.split()) <= set(order[:place]), folder


def test_no_two_modules_import_each_other() -> None:
    # Those that are imported when a module is; not those inside of functions or for types alone.
    graph: dict[str, set[str]] = {module: set() for module in MODULES if module}
    for module in graph:
        for node in _run_at_import(_tree(module).body):
            graph[module] |= {name for name, ours in _imported(node, _package(module)) if ours}
        # `from . import x` names the folder where x is none of its modules.
        graph[module] -= {module, *(each for each in graph[module] if each not in graph)}
    graphlib.TopologicalSorter(graph).prepare()


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _run_at_import(node.orelse)
            continue
        yield node
        for name in ("body", "orelse", "finalbody", "handlers"):
            yield from _run_at_import(getattr(node, name, []))


PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}


@functools.cache
def needed_by(folder: str) -> frozenset[str]:
    """Returns the modules of a folder and all that they import, and the packages around those."""
    found = {module for module in MODULES if module.split(".")[0] == folder}
    looked_at: set[str] = set()
    while left := found - looked_at:
        module = left.pop()
        looked_at.add(module)
        # To import a module runs its package's file too, but only what stands outside of functions.
        if module in PACKAGES:
            nodes = _run_at_import(_tree(module).body)
            names = (name for node in nodes for name, ours in _imported(node, [module]) if ours)
            found |= {name for name in names if name in MODULES and name}
        else:
            found |= {each.imported for each in ours() if each.importer == module}
        if "." in module:
            found.add(module.rpartition(".")[0])
    return frozenset(found)


def impurities(module: str, tree: ast.AST) -> Iterator[str]:
    """Yields what in a module could look at a clock, talk to anybody, or run somebody's code."""
    for node in ast.walk(tree):
        for name, ours in _imported(node, _package(module)):
            if not ours and name not in PURE and (module, name) not in ALLOWED:
                yield f"import {name}"
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            name = ast.unparse(node)
            if name.removeprefix("builtins.") in IMPURE:
                yield name


def test_the_ledger_is_all_there() -> None:
    # And what it imports, be it another folder's.
    ledger = needed_by("ledger")
    assert {"ledger", "ledger.ledger", "ledger.task", "serialization", "states"} <= ledger
    assert len(ledger) > len([module for module in MODULES if module.startswith("ledger")])
    assert ledger <= MODULES.keys() - {""}


def test_the_ledger_is_pure() -> None:
    found = {module: list(impurities(module, _tree(module))) for module in needed_by("ledger")}
    assert {module: what for module, what in found.items() if what} == {}


def test_no_exception_to_purity_is_out_of_date() -> None:
    assert {(each.importer, each.imported) for each in imports()} >= ALLOWED
    assert {module for module, _ in ALLOWED} <= needed_by("ledger")


def test_the_session_process_starts_without_the_package() -> None:
    # Its file says why: `gridengine.schedulers.queue_session.process`.
    here = (
        "schedulers.queue_session.process",
        "schedulers.grid_engine.batch_system",
        "schedulers.slurm.batch_system",
    )
    modules = {module for module in MODULES if module.startswith(here)}
    assert len(modules) > 5
    modules |= {"transport.private_files", "transport.process_identity", "transport.proc_files"}
    modules |= {"transport.run_folders", "transport.removal"}
    for each in ours():
        assert each.importer not in modules or each.imported in modules, str(each)


def test_a_supervisor_looks_at_its_launch_file_by_what_needs_nothing_else() -> None:
    # That file says where all else is found.
    assert not [str(each) for each in ours() if each.importer == "transport.private_files"]


def drawn(text: str) -> list[str]:
    """Returns the folders of a table of them: those of which it says what they are."""
    return re.findall(r"^\| `(\w+)/` \| +[^|\s]", text, re.MULTILINE)


def test_the_design_shows_all_folders_in_their_order() -> None:
    design = ROOT.parent / "docs" / "design.md"
    assert drawn(design.read_text(encoding="utf-8")) == list(FOLDERS)


def names_in(tree: ast.Module) -> Iterator[str]:
    """Yields the names of the classes, and of the types that are named as classes are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and re.match(r"_*[A-Z]\w*[a-z]", target.id):
                yield target.id


#: Have the names that the programs know which were written for predecessors.
OF_PREDECESSORS = {
    ("Job", "compat.gridmap.grid_job"),
    ("Pool", "compat.pypoolparty.slurm.array"),
    ("Pool", "compat.queue_map_reduce.pool"),
}


def test_no_two_classes_share_a_name() -> None:
    places = collections.defaultdict(list)
    for module in MODULES:
        for name in names_in(_tree(module)):
            places[name].append(module)
    assert len(places) > 100
    for name, module in OF_PREDECESSORS:
        places[name].remove(module)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


# ---------------------------------------------------------------------- the tests' own eyes


LINES = 400
"""What one can hold in one's head."""


def test_every_file_can_be_held_in_the_head() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in ROOT.rglob("*.py")}
    assert not {path: length for path, length in lengths.items() if length > LINES}


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
        ("aio", "client.job", True),
        ("aio", "dispatcher.dispatcher", False),
        ("client.job", "aio", False),
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


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from threading import Thread",
        "def f():\n    import socket",
        "def f(path):\n    return open(path)",
        "import builtins\nbuiltins.print(1)",
        "__import__(name)",
    ],
)
def test_these_tests_see_what_is_not_pure(text: str) -> None:
    assert list(impurities("ledger.ledger", ast.parse(text)))


DRAWING = "".join(f"| `{folder}/` | what it is | nothing |\n" for folder in FOLDERS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        DRAWING.replace("| `worker/` | what it is | nothing |\n", ""),
        DRAWING.replace("| `worker/` | what it is", "| `worker/` |"),
        "".join(reversed(DRAWING.splitlines(keepends=True))),
        DRAWING + "| `attic/` | what is no more |\n",
    ],
    ids=["empty", "incomplete", "unexplained", "upside down", "of another package"],
)
def test_these_tests_see_a_drawing_that_is_wrong(text: str) -> None:
    assert drawn(DRAWING) == list(FOLDERS)
    assert drawn(text) != list(FOLDERS)


def test_these_tests_see_every_sort_of_class() -> None:
    text = "class A:\n  class B: pass\ndef f():\n  class _C: pass\nPlace = tuple[int]\nMOST = 3"
    assert sorted(names_in(ast.parse(text))) == ["A", "B", "Place", "_C"]
