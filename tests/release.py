"""Builds what is released, the sources and the wheel: ``python -m tests.release FOLDER``.

That happens in a copy of what git has, so that nothing gets in that only lies about.
``scripts/release`` calls it, and then tries what was built.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parent.parent

#: What is for git, and for who runs the tests of a change.
_NOT_RELEASED = (".ci/", ".git")


class Release(NamedTuple):
    """What was built."""

    sources: Path
    wheel: Path


def files() -> set[str]:
    """Returns the names of all files that are released."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=_ROOT, check=True, capture_output=True, text=True
    ).stdout
    names = filter(None, listed.split("\0"))
    return {
        name for name in names if not name.startswith(_NOT_RELEASED) and (_ROOT / name).exists()
    }


def build(folder: Path) -> Release:
    """Builds into a folder.

    Raises:
        RuntimeError: It did not work, or not without a warning.
    """
    # Where it is set it is warned of.
    environ = {**os.environ}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as copy:
        for name in files():
            place = Path(copy, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(_ROOT / name, place)
        done = subprocess.run(
            [sys.executable, "-m", "build", "--outdir", str(folder.absolute()), copy],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if done.returncode or re.search("warning:", done.stdout, re.IGNORECASE):
        raise RuntimeError(done.stdout)
    return found_in(folder)


def found_in(folder: Path) -> Release:
    """Returns what a folder has."""
    (sources,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Release(sources, wheel)


if __name__ == "__main__":
    print(*build(Path(sys.argv[1])), sep="\n")
