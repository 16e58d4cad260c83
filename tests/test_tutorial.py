"""The program of the tutorial, as a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_its_program_runs_and_gives_the_same_numbers_each_time() -> None:
    one, other = (run(scheduler) for scheduler in ("process", "inline"))
    assert one == other
    shares = [float(line.split()[1]) for line in one.splitlines()]
    assert len(shares) == 7
    assert shares[0] < 0.2 < 0.8 < shares[-1]


def run(scheduler: str) -> str:
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "percolation.py")],
        env={**os.environ, "GRIDENGINE_SCHEDULER": scheduler},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
