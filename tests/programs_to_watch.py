"""Programs that run beside a test, to be watched by it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from gridengine.observers.watching import WatchedPrograms, WatchedScheduler

from .waiting import wait_until

#: What each program begins with: calls that run until a file is there.
_BEGIN = """
import os, sys, time
import gridengine

def hold(x):
    print("holding", x, flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    if x == 5:
        raise ValueError(x)
    return x

"""


@contextlib.contextmanager
def running(
    folder: Path, code: str, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Has a program run, on this host's cores, with a run folder and a working directory.

    Args:
        folder: Both lie in it; what waits for ``go`` goes on when a file of that name is there.
        code: What it does; ``hold`` is a function that waits for that.
        environ: Of the program, further variables.
    """
    (folder / "program.py").write_text(_BEGIN + textwrap.dedent(code), encoding="utf-8")
    own = {"GRIDENGINE_SCHEDULER": "process", "GRIDENGINE_RUN_DIR": str(folder / "run")}
    process = subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=folder,
        env={**os.environ, **own, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        (folder / "go").touch()
        process.communicate(timeout=40)


@contextlib.contextmanager
def watched(run_dir: Path | str) -> Iterator[WatchedPrograms]:
    """Watches the programs of a run folder."""
    programs = WatchedPrograms(str(run_dir))
    try:
        yield programs
    finally:
        programs.close()


def the_scheduler(programs: WatchedPrograms) -> WatchedScheduler:
    """Waits for a program, and returns its scheduler, of which is known how all stands."""

    def look() -> WatchedScheduler | None:
        programs.add(programs.search())
        programs.listen(0.2)
        found = [each for program in programs.programs() for each in program]
        return found[0] if found and found[0].view.state is not None else None

    found = wait_until(look, what="a program can be watched")
    assert found is not None
    return found
