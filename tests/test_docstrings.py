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


def test_the_example_of_the_readme_runs(tmp_path: Path) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ("", "[1, 4, 9, 16, 25]\n49\n") == (done.stderr, done.stdout)
