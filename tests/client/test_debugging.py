"""Debuggers and coverage see jobs that run inline, and what is replayed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """\
import pdb
import gridengine

def work(x):
    doubled = 2 * x
    if x == 1:
        MARK
    return 1 // (doubled - 2)

if __name__ == "__main__":
    try:
        gridengine.map(work, [0, 1])
    except ZeroDivisionError as error:
        AFTER
    print("the end")
"""


def run(
    tmp_path: Path, mark: str, after: str, typed: str, scheduler: str = "inline"
) -> tuple[int, str]:
    """Runs the program with what is typed; returns its exit status, and what is shown."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("MARK", mark).replace("AFTER", after), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        input=typed,
        env={**os.environ, "GRIDENGINE_SCHEDULER": scheduler, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_a_breakpoint_in_a_job_shows_its_variables(tmp_path: Path) -> None:
    status, shown = run(tmp_path, "breakpoint()", "pass", "p 'doubled', doubled\nc\n")
    assert "('doubled', 2)" in shown
    assert (status, shown.splitlines()[-1].endswith("the end")) == (0, True), shown


def test_to_quit_from_a_breakpoint_ends_the_program(tmp_path: Path) -> None:
    status, shown = run(tmp_path, "breakpoint()", "pass", "q\ny\n")
    assert status == 1
    assert "the end" not in shown


def test_post_mortem_stands_in_the_job(tmp_path: Path) -> None:
    typed = "p 'doubled', doubled\nq\n"
    status, shown = run(tmp_path, "pass", "pdb.post_mortem(error.__traceback__)", typed)
    assert "('doubled', 2)" in shown
    assert (status, shown.splitlines()[-1].endswith("the end")) == (0, True), shown


@pytest.mark.parametrize("way", ["n\nn\ns\nn\nn\n", "b program:6\nc\n"])
def test_a_replay_is_stepped_into(tmp_path: Path, way: str) -> None:
    typed = way.replace("program", str(tmp_path / "program.py")) + "p 'doubled', doubled\nc\nq\n"
    after = "pdb.runcall(error.replay)"
    _, shown = run(tmp_path, "pass", after, typed, scheduler="process")
    assert "('doubled', 2)" in shown
    assert "ZeroDivisionError" in shown


BY_LINE = """\
import asyncio
import gridengine

def work(x):
    doubled = 2 * x
    return doubled + 1

async def main():
    print(await gridengine.aio.map(work, [0, 1]))
    print([value async for value in gridengine.aio.imap(work, [2])])

def ordinary():
    print(gridengine.map(work, [0, 1]))
    print(list(gridengine.imap(work, [2])))

if __name__ == "__main__":
    CALL
    print("the end")
"""


def debug(tmp_path: Path, call: str, typed: str) -> tuple[int, str]:
    """As `run`, under a debugger that stops in `work`."""
    program = tmp_path / "by_line.py"
    program.write_text(BY_LINE.replace("CALL", call), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pdb", "-c", f"break {program}:6", "-c", "continue", str(program)],
        input=typed,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "inline", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout


of_all_threads = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="pdb of this Python sees the main thread alone"
)


@pytest.mark.parametrize(
    "call", ["ordinary()", pytest.param("asyncio.run(main())", marks=of_all_threads)]
)
def test_a_breakpoint_by_file_and_line_is_hit_in_every_call(tmp_path: Path, call: str) -> None:
    _, shown = debug(tmp_path, call, "p 'doubled', doubled\nc\n" * 3 + "q\n")
    assert [f"('doubled', {value})" in shown for value in (0, 2, 4)] == [True] * 3, shown
    assert "[1, 3]" in shown
    assert "[5]" in shown
    assert "the end" in shown


@pytest.mark.parametrize(
    "call", ["ordinary()", pytest.param("asyncio.run(main())", marks=of_all_threads)]
)
def test_to_leave_the_debugger_there_ends_the_program(tmp_path: Path, call: str) -> None:
    status, shown = debug(tmp_path, call, "q\nq\n")
    assert status == 0
    assert "the end" not in shown


def test_the_thread_of_a_map_with_workers_is_not_traced() -> None:
    traced = set()

    def trace(frame: Any, event: str, arg: object) -> None:
        traced.add(threading.current_thread().name)

    async def main() -> None:
        with ProcessScheduler(1) as scheduler:
            assert await gridengine.aio.map(abs, [-1], scheduler=scheduler) == [1]

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        asyncio.run(main())
    finally:
        sys.settrace(before)
    assert traced == {threading.current_thread().name}


def test_coverage_sees_the_lines_of_jobs(tmp_path: Path) -> None:
    coverage = pytest.importorskip("coverage")
    program = tmp_path / "covered.py"
    program.write_text(PROGRAM.replace("MARK", "pass").replace("AFTER", "pass"), encoding="utf-8")
    data = tmp_path / "data"
    subprocess.run(
        [sys.executable, "-m", "coverage", "run", f"--data-file={data}", str(program)],
        env={**os.environ, "GRIDENGINE_SCHEDULER": "inline", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    measured = coverage.CoverageData(str(data))
    measured.read()
    assert {5, 6, 7, 8} <= set(measured.lines(str(program)) or ())


@pytest.mark.parametrize("scheduler", ["inline", "process"])
def test_the_example_runs(scheduler: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "debugging.py")],
        env={**os.environ, "GRIDENGINE_SCHEDULER": scheduler, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "too: float division by zero" in done.stdout or "too: division by zero" in done.stdout
