"""Functions and classes of ``__main__`` between fresh interpreters; see by_value_harness.py."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = ["functions", "classes", "stdlib", "exceptions"]
CASES = [
    (program, case)
    for program in PROGRAMS
    for case in re.findall(
        r"^ *def (case_\w+)", (HERE / f"by_value_{program}.py").read_text(), re.MULTILINE
    )
]


@functools.cache
def outcomes(program: str) -> dict[str, str]:
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / f"by_value_{program}.py")],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("program", "case"), CASES, ids=lambda part: part.removeprefix("case_"))
def test_by_value(program: str, case: str) -> None:
    outcome = outcomes(program).get(case)
    if outcome is None:
        pytest.skip(f"not a case for Python {sys.version_info[0]}.{sys.version_info[1]}")
    assert not outcome, outcome
