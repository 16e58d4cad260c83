"""The examples in the docstrings, and in the README, do what they say."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import gridengine

ROOT = Path(gridengine.__file__).parent

#: The modules with examples, as their text shows: to import all takes longer than to run these.
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


def examples_in(module: str) -> list[doctest.DocTest]:
    """Returns the docstrings of a module that have examples."""
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    return [test for test in found if test.examples]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_docstrings_run(module: str) -> None:
    if module == "gridengine.compat.joblib":
        pytest.importorskip("joblib")
    tests = examples_in(module)
    assert tests
    for test in tests:
        done = doctest.DocTestRunner().run(test)
        assert (test.name, 0, len(test.examples)) == (test.name, done.failed, done.attempted)


def test_what_users_call_has_examples() -> None:
    assert examples_in("gridengine.client.map")
    assert examples_in("gridengine.client.partial")


def readme() -> str:
    """Returns the program in the README."""
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return str(program)


def help_text() -> str:
    """Returns the program in the package's docstring."""
    (program,) = re.findall(r"::\n\n(.*?\n)\n(?=\S)", gridengine.__doc__ or "", re.DOTALL)
    return textwrap.dedent(program)


@pytest.mark.parametrize(
    ("program", "written"),
    [(readme, "[1, 4, 9, 16, 25]\n49\n"), (help_text, "[1, 4, 9]\n49\n")],
)
def test_the_first_program_runs(tmp_path: Path, program: Callable[[], str], written: str) -> None:
    (tmp_path / "example.py").write_text(program(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ("", written) == (done.stderr, done.stdout)
