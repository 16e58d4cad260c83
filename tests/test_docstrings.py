"""The examples in the docstrings, and in the README, do what they say."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import os
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import gridengine

MODULES = [
    "gridengine",
    *(
        module.name
        for module in pkgutil.walk_packages(gridengine.__path__, "gridengine.")
        # These are programs, and run when they are imported.
        if not module.name.endswith("__main__")
        # Its library is installed, or it is not.
        and (module.name != "gridengine.compat.joblib" or importlib.util.find_spec("joblib"))
    ),
]
EXAMPLES = [
    test
    for name in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    if test.examples
]


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_the_examples_of_a_docstring_run(test: doctest.DocTest) -> None:
    done = doctest.DocTestRunner().run(test)
    assert (0, len(test.examples)) == (done.failed, done.attempted)


def test_what_users_call_has_examples() -> None:
    assert {"gridengine.client.map.map", "gridengine.client.partial.partial"} <= {
        test.name for test in EXAMPLES
    }


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
