"""Code that the program has no more, as it is noticed in the program."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gridengine.serialization import code_changes
from gridengine.serialization.code_changes import CodeChanges

NAME = "module_of_a_program"


class Edited:
    """A module of a program, and its source.

    Attributes:
        module: It, as the program has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.edit("def f(): return 1\nclass C:\n    def m(self): return 1\nK = 1\n")
        self.module = importlib.import_module(NAME)

    def edit(self, text: str) -> None:
        self.path.write_text(text)
        # The clock of a file system may stand still for as long as a test takes.
        number = self.path.stat().st_mtime_ns + 10**9
        os.utime(self.path, ns=(number, number))

    def patch(self, code: str) -> None:
        """Executes code in the module, as what patches in place does."""
        exec(code, vars(self.module))


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edited]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Edited(tmp_path / f"{NAME}.py")
    sys.modules.pop(NAME, None)


@pytest.fixture
def watch(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> CodeChanges:
    # Each look is a thorough one.
    monkeypatch.setattr(code_changes, "_TO_PATCH", -1.0)
    watch = CodeChanges()
    watch.look()
    assert watch.version == 0
    return watch


def noticed(watch: CodeChanges) -> bool:
    """Returns whether one look notices something, and the next nothing more."""
    before = watch.version
    watch.look()
    after = watch.version
    watch.look()
    assert watch.version == after
    return after > before


def test_a_module_that_was_reloaded_is_noticed_once(watch: CodeChanges, edited: Edited) -> None:
    importlib.reload(edited.module)
    assert noticed(watch)


def test_a_module_that_was_reloaded_is_noticed_in_haste(
    watch: CodeChanges, edited: Edited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_changes, "_TO_PATCH", 1e9)
    monkeypatch.setattr(code_changes, "_LONG", 1e9)
    importlib.reload(edited.module)
    assert noticed(watch)
    assert watch.hurried


def test_a_look_that_takes_long_is_no_time_in_which_code_could_change(
    watch: CodeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long after the look that the fixture had.
    now = [time.perf_counter() + 100.0]
    monkeypatch.setattr(code_changes, "_TO_PATCH", 0.001)
    monkeypatch.setattr(code_changes, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def takes_long(_: object) -> bool:
        now[0] += 0.005
        return False

    monkeypatch.setattr(code_changes._Watched, "is_patched", takes_long)
    watch.look()
    assert not watch.hurried
    watch.look()
    assert watch.hurried


def test_a_module_that_was_taken_out_and_imported_again_is_noticed(
    watch: CodeChanges, edited: Edited
) -> None:
    del sys.modules[NAME]
    assert not noticed(watch)
    importlib.import_module(NAME)
    assert noticed(watch)


PATCHES = {
    "the code of a function": "def g(): return 2\nf.__code__ = g.__code__; del g",
    "the code of a method": "C.m.__code__ = (lambda self: 2).__code__",
    "another function": "def f(): return 2",
    "a new function": "def g(): return 2",
    "another class": "class C: pass",
}


@pytest.mark.parametrize("patch", PATCHES.values(), ids=list(PATCHES))
def test_what_was_patched_in_place_is_noticed_if_the_source_has_changed(
    watch: CodeChanges, edited: Edited, patch: str
) -> None:
    edited.patch(patch)
    # A mock, say, which is the program's own affair.
    assert not noticed(watch)
    edited.edit("# edited\n")
    assert noticed(watch)


def test_a_source_that_has_changed_is_nothing_before_the_program_has_taken_it_up(
    watch: CodeChanges, edited: Edited
) -> None:
    edited.edit("def f(): return 2\n")
    assert not noticed(watch)
    edited.patch("f.__code__ = (lambda: 2).__code__")
    assert noticed(watch)


def test_a_constant_counts_where_autoreload_patches_and_not_elsewhere(
    watch: CodeChanges, edited: Edited, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited.edit("K = 2")
    edited.patch("K = 2")
    assert not noticed(watch)
    name = "IPython.extensions.autoreload"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    fresh = CodeChanges()
    fresh.look()
    edited.edit("K = 3")
    edited.patch("K = 3")
    assert noticed(fresh)


def test_modules_of_python_and_installed_ones_and_the_program_itself_are_not_looked_at(
    watch: CodeChanges,
) -> None:
    importlib.reload(importlib.import_module("colorsys"))
    importlib.reload(importlib.import_module("iniconfig"))
    assert not noticed(watch)
    assert not {"__main__", "gridengine", "gridengine.client.map"} & set(watch._names)


SPECS: dict[str, Callable[[Any], object]] = {
    "without a spec": lambda module: delattr(module, "__spec__"),
    "with none": lambda module: setattr(module, "__spec__", None),
}


@pytest.mark.parametrize("take_away", SPECS.values(), ids=list(SPECS))
def test_a_module_without_a_spec_any_more_harms_nobody(
    watch: CodeChanges, edited: Edited, take_away: Callable[[Any], object]
) -> None:
    take_away(edited.module)
    watch.look()
    importlib.import_module("colorsys")
    watch.look()
