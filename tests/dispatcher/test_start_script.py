"""The shell script by which a queue job starts its Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gridengine.dispatcher.start_script import start_script


def test_it_sets_what_the_interpreter_needs_and_nothing_else(tmp_path: Path) -> None:
    odd = "/a b/lib:/it's/$HOME"
    say = (
        "import os, sys;"
        "print([os.environ.get(name) for name in ('LD_LIBRARY_PATH', 'SECRET')], *sys.argv)"
    )
    script = start_script([sys.executable, "-c", say], {"LD_LIBRARY_PATH": odd, "SECRET": "x"})
    path = tmp_path / "start it"
    path.write_text(script)
    told = subprocess.run(
        ["/bin/sh", path, "with space"], env={}, capture_output=True, text=True, check=True
    )
    assert told.stdout == f"{[odd, None]} -c with space\n"


@pytest.mark.parametrize("isolated", [False, True])
def test_an_interpreter_that_passes_over_its_variables_gets_none(isolated: bool) -> None:
    environ = {"PYTHONHOME": "/else", "LD_LIBRARY_PATH": "/lib"}
    script = start_script(["python"], environ, isolated=isolated)
    assert ("PYTHONHOME" in script) is not isolated
    assert "LD_LIBRARY_PATH=/lib" in script
