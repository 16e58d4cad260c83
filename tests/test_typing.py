"""What the type checkers of users take the interface for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "type_checking"
ROOT = Path(__file__).parents[1]


def lines_that_mypy_refuses(program: Path, cache: Path) -> dict[int, str]:
    """Returns its errors by line, as a user's mypy would have them who is strict."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}",
         "--no-pretty", "--follow-imports=silent", str(program)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    found = re.findall(rf"^.*{program.name}:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == bool(found), done.stdout + done.stderr
    return {int(line): text for line, text in found}


def lines_that_pyright_refuses(program: Path) -> dict[int, str]:
    pytest.importorskip("pyright")
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, program],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == 1, done.stdout + done.stderr
    return {
        each["range"]["start"]["line"] + 1: each["message"]
        for each in said["generalDiagnostics"]
        if each["severity"] == "error"
    }


def refused_lines(program: Path) -> list[int]:
    lines = program.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if line.endswith("# refused")]


@pytest.mark.timeout(180)
def test_mypy_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    assert lines_that_mypy_refuses(PROGRAMS / "accepted.py", tmp_path) == {}
    wrong = PROGRAMS / "refused.py"
    assert list(lines_that_mypy_refuses(wrong, tmp_path)) == refused_lines(wrong)


@pytest.mark.timeout(180)
def test_pyright_accepts_what_is_right_and_refuses_what_is_wrong() -> None:
    assert lines_that_pyright_refuses(PROGRAMS / "accepted.py") == {}
    wrong = PROGRAMS / "refused.py"
    assert list(lines_that_pyright_refuses(wrong)) == refused_lines(wrong)
