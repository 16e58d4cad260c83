"""Programs that keep results: killed at any moment, at once with others, on a full disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ..cluster import Cluster
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]

CALLS = 300

#: ``FOLDER SCHEDULER``: each call says that it was begun; the values are of a class of the program.
PROGRAM = """
import dataclasses, os, sys, time
import gridengine

folder, kind = sys.argv[1:]
UNITS = {"m", "km", "mile"}

@dataclasses.dataclass(frozen=True)
class Found:
    x: int
    units: frozenset = frozenset({"a", "b", "c"})

def f(x):
    with open(f"{folder}/begun", "ab") as file:
        file.write(b"%d\\n" % x)
    time.sleep(0.01)
    return Found(x * len(UNITS))

if __name__ == "__main__":
    schedulers = gridengine.schedulers
    made = (
        schedulers.ProcessScheduler(2)
        if kind == "process"
        else schedulers.GridEngineScheduler(max_workers=2)
    )
    with made:
        found = gridengine.map(f, range(CALLS), scheduler=made, journal=f"{folder}/run.journal")
    assert found == [Found(3 * x) for x in range(CALLS)], found
    print("done")
""".replace("CALLS", str(CALLS))

#: Results of 10 KB, three times as many as the disk has room for.
FILLS_THE_DISK = """
import sys, logging
import gridengine

def f(x):
    return b"%5d" % x * 2000

if __name__ == "__main__":
    with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        for _ in range(2):
            found = gridengine.map(
                f, range(300), scheduler=scheduler, chunksize=5,
                journal=f"{sys.argv[1]}/run.journal",
            )
            assert found == [f(x) for x in range(300)]
    print("done")
"""


def program(source: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts a program, which hashes texts otherwise than the one before."""
    script = folder / "program.py"
    if not script.exists():
        script.write_text(source)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(random.randrange(9999))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def begun(folder: Path) -> int:
    path = folder / "begun"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait_for(running: subprocess.Popen[str], folder: Path, calls: int) -> None:
    wait_until(
        lambda: begun(folder) >= calls or running.poll() is not None,
        what="some calls, or the end",
        timeout=60,
    )


@pytest.mark.parametrize(
    "kind", ["process", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])]
)
def test_a_program_that_is_killed_goes_on_where_it_was(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "gridengine":
        cluster: Cluster = request.getfixturevalue("cluster")
        del cluster
    kills = 0
    while True:
        running = program(PROGRAM, tmp_path, kind)
        _wait_for(running, tmp_path, begun(tmp_path) + random.randrange(60, 120))
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
            kills += 1
        output, _ = running.communicate()
        if running.returncode == 0:
            break
        assert running.returncode == -signal.SIGKILL, output
    assert "done" in output
    assert kills
    # What each has lost: a quarter of a second of two workers, and what these had before them.
    assert begun(tmp_path) <= CALLS + kills * 80
    last = program(PROGRAM, tmp_path, kind)
    before = begun(tmp_path)
    assert "done" in last.communicate()[0]
    assert begun(tmp_path) == before


def test_two_programs_have_one_journal(tmp_path: Path) -> None:
    both = [program(PROGRAM, tmp_path, "process") for _ in range(2)]
    for each in both:
        assert "done" in each.communicate()[0]
    before = begun(tmp_path)
    assert "done" in program(PROGRAM, tmp_path, "process").communicate()[0]
    assert begun(tmp_path) == before
    with sqlite3.connect(tmp_path / "run.journal") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_full_disk_ends_the_journal_and_not_the_run(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*mount, "true"], check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    (tmp_path / "program.py").write_text(FILLS_THE_DISK)
    command = f"{sys.executable} {tmp_path}/program.py {disk}"
    ran = subprocess.run(
        [*mount, "sh", "-c", f"mount -t tmpfs -o size=1m,mode=700 none {disk} && {command}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
    assert "cannot be written any more (database or disk is full)" in ran.stderr
