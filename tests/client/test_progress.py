"""Bars of maps, as they are drawn on a real terminal."""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.observers import bars
from gridengine.schedulers import InlineScheduler, ProcessScheduler, Scheduler

from .. import targets
from ..conftest import warm
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]

pexpect = pytest.importorskip("pexpect")
pytest.importorskip("tqdm")


@pytest.fixture(scope="module", params=["cores", "inline"])
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    made = {"cores": lambda: ProcessScheduler(2), "inline": InlineScheduler}[request.param]()
    with made as opened:
        warm(opened, 2)
        yield opened


class Recorded:
    """A bar of one's own, with what tqdm's have."""

    made: list[Recorded] = []

    def __init__(self, total: int | None, desc: str) -> None:
        self.total, self.desc = total, desc
        self.n, self.texts, self.closed = 0, [""], False
        self.made.append(self)

    def update(self, n: int) -> None:
        self.n += n

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        self.texts.append(text)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    monkeypatch.setattr(Recorded, "made", [])
    return Recorded.made


def fail_on_odd(x: int) -> int:
    if x % 2:
        raise ValueError(x)
    return x


def squares_within(x: int) -> list[int]:
    return gridengine.map(targets.square, range(x), progress="nested")


# ---------------------------------------------------------------------- what is counted


MAPS: dict[str, Callable[..., Any]] = {
    "map": gridengine.map,
    "imap": lambda *args, **options: list(gridengine.imap(*args, **options)),
    "imap_unordered": lambda *args, **options: list(gridengine.imap_unordered(*args, **options)),
    "aio.map": lambda *args, **options: asyncio.run(gridengine.aio.map(*args, **options)),
}


@pytest.mark.parametrize("name", MAPS)
def test_every_map_counts_all_of_its_calls(
    name: str, scheduler: Scheduler, made: list[Recorded]
) -> None:
    MAPS[name](targets.square, range(1000), scheduler=scheduler, progress=Recorded)
    (bar,) = made
    assert (bar.total, bar.desc, bar.n, bar.closed) == (1000, "square", 1000, True)
    assert "calls/s" in bar.texts[-1]


def test_aio_imap_counts_too(scheduler: Scheduler, made: list[Recorded]) -> None:
    async def main() -> list[int]:
        options: Any = {"scheduler": scheduler, "progress": Recorded}
        return [x async for x in gridengine.aio.imap(targets.square, range(5), **options)]

    assert asyncio.run(main()) == [0, 1, 4, 9, 16]
    assert (made[0].n, made[0].closed) == (5, True)


def test_failed_calls_are_done_and_told(scheduler: Scheduler, made: list[Recorded]) -> None:
    gridengine.map(fail_on_odd, range(100), scheduler=scheduler, progress=Recorded, reraise=False)
    assert made[0].n == 100
    assert "50 failed" in made[0].texts[-1]


def test_calls_that_are_tried_again_are_told(scheduler: Scheduler, made: list[Recorded]) -> None:
    gridengine.map(
        fail_on_odd, [2, 3], scheduler=scheduler, progress=Recorded, reraise=False, retries=2
    )
    assert made[0].n == 2
    assert "1 failed, 2 tried again" in made[0].texts[-1]


def test_a_map_that_raises_leaves_its_bar(scheduler: Scheduler, made: list[Recorded]) -> None:
    with pytest.raises(ValueError):
        gridengine.map(fail_on_odd, range(100), scheduler=scheduler, progress=Recorded)
    assert made[0].closed


def test_the_items_of_a_generator_are_counted_without_an_end(
    scheduler: Scheduler, made: list[Recorded]
) -> None:
    with_end = gridengine.imap(
        targets.square, itertools.count(), scheduler=scheduler, progress=Recorded
    )
    assert not made  # nothing is begun before the first
    assert list(itertools.islice(with_end, 10))[-1] == 81
    with_end.close()
    assert made[0].total is None
    assert made[0].n >= 10
    assert made[0].closed


def test_maps_at_once_have_a_bar_each(scheduler: Scheduler, made: list[Recorded]) -> None:
    def one(size: int) -> None:
        gridengine.map(targets.square, range(size), scheduler=scheduler, progress=Recorded)

    threads = [threading.Thread(target=one, args=(size,)) for size in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((bar.total, bar.n) for bar in made) == [(100, 100), (200, 200), (300, 300)]


def test_a_map_in_a_job_draws_nothing(scheduler: Scheduler, capfd: Any) -> None:
    if scheduler.inline:
        pytest.skip("it is no job of another process")
    values = gridengine.map(squares_within, [3], scheduler=scheduler, progress=False)
    assert values == [[0, 1, 4]]
    assert capfd.readouterr().err == ""


def test_a_bar_that_fails_is_told_of_and_the_map_goes_on(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Recorded):
        def update(self, n: int) -> None:
            raise OSError("the paper is out")

    values = gridengine.map(targets.square, range(100), scheduler=scheduler, progress=Broken)
    assert values[-1] == 99 * 99
    assert "the paper is out" in caplog.text


def test_once_a_map_is_over_nobody_listens(scheduler: Scheduler, made: list[Recorded]) -> None:
    from gridengine.dispatcher.registry import dispatcher_for

    gridengine.map(targets.square, [1], scheduler=scheduler, progress=Recorded)
    dispatcher: Any = dispatcher_for(scheduler)
    observers = dispatcher._observers if scheduler.inline else dispatcher._state.observers
    assert observers.callbacks == ()


# ---------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize("given", [3, 0, b"label", 1.5, ["label"]])
def test_what_is_no_progress_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="it takes True, False, a text"):
        gridengine.map(abs, [1], progress=given)


def test_what_makes_no_bars_is_refused(scheduler: Scheduler) -> None:
    with pytest.raises(TypeError, match=r"has no update\(\) and close\(\)"):
        gridengine.map(abs, [1], progress=dict, scheduler=scheduler)


def test_without_tqdm_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "_has_tqdm", lambda: False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'gridengine\[progress\]'"):
        gridengine.map(abs, [1], progress=True)


def test_without_tqdm_the_variable_warns_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GRIDENGINE_PROGRESS", "1")
    monkeypatch.setattr(bars, "_has_tqdm", lambda: False)
    monkeypatch.setattr(bars, "_is_terminal", lambda: True)
    monkeypatch.setattr(bars, "_warned", [])
    with InlineScheduler() as scheduler, caplog.at_level(logging.WARNING):
        gridengine.map(abs, [1], scheduler=scheduler)
        gridengine.map(abs, [1], scheduler=scheduler)
    assert caplog.text.count("gridengine[progress]") == 1


@pytest.mark.parametrize("inline", [False, True])
def test_the_variable_shows_nothing_where_there_is_no_terminal(
    inline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_PROGRESS", "1")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with InlineScheduler() if inline else ProcessScheduler(1) as scheduler:
        gridengine.map(abs, [1], scheduler=scheduler)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_without_a_terminal_lines_are_written(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    gridengine.map(fail_on_odd, range(10), scheduler=scheduler, progress=True, reraise=False)
    said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert re.fullmatch(r"fail_on_odd: 10/10 \(100 %\) \[00:0\d, .*calls?/s, 5 failed\]\n", said)


def test_lines_come_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    file = io.StringIO()
    lines = bars.Lines(file, "x", -1)
    for second in range(3600):
        now[0] = second
        lines.show(second, "")
    written = file.getvalue().splitlines()
    assert written[:2] == ["x: 10 calls [00:10]", "x: 20 calls [00:20]"]
    assert 60 < len(written) < 100
    lines.close(second, "")
    assert file.getvalue().endswith("x: 3599 calls [59:59]\n")


def test_nothing_is_drawn_where_there_is_no_standard_error(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert gridengine.map(abs, [-1], scheduler=scheduler, progress=True) == [1]


def test_no_bar_has_tqdm_start_a_thread_or_a_process(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tqdm import std

    monkeypatch.setattr(std, "TMonitor", lambda *_: pytest.fail("a thread of tqdm's"))
    monkeypatch.setattr(
        std.TqdmDefaultWriteLock, "create_mp_lock", lambda: pytest.fail("a lock of processes")
    )
    monkeypatch.setattr(bars, "_is_terminal", lambda: True)
    gridengine.map(abs, [1], scheduler=scheduler, progress=True)


# ---------------------------------------------------------------------- on a terminal


PROGRAM = """
import logging
import os
import signal
import sys
import threading
import time

import gridengine
from gridengine.schedulers import *


def simulate(x):
    time.sleep(0.02)
    return x


def flaky(x):
    if x % 5 == 2:
        raise ValueError(x)
    if x == 6 and not os.path.exists("killed"):
        open("killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return simulate(x)


def sleep(x):
    time.sleep(60)


def talk(x):
    time.sleep(0.1)
    print("said", x)
    if x == 5:
        logging.warning("logged %d", x)
    time.sleep(0.05)


with ProcessScheduler(2) as scheduler:
    exec(sys.argv[1])
print("the end")
"""

SIMULATE = "gridengine.map(simulate, range(40), progress=True)"


class Terminal:
    """What a program writes on a terminal."""

    def __init__(
        self, code: str, folder: Path, columns: int = 120, lines: int = 24, **env: str
    ) -> None:
        (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
        self.child = pexpect.spawn(
            sys.executable, ["program.py", code],
            cwd=str(folder), env={**os.environ, "PYTHONIOENCODING": "utf-8", **env},
            dimensions=(lines, columns), encoding="utf-8", timeout=40,
        )  # fmt: skip

    def all(self) -> str:
        """Returns all that is written, when the program has ended."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return str(self.child.before)


def as_seen(text: str) -> list[str]:
    """Returns the lines of what was written, each as it was drawn last."""
    lines = [line.split("\r")[-1] for line in text.replace("\r\n", "\n").split("\n")]
    return [line for line in lines if line]


def test_bars_grow_and_stay_at_their_end(tmp_path: Path) -> None:
    code = (
        f"{SIMULATE}\n"
        "gridengine.map(flaky, range(20), progress='mine', reraise=False)\n"
        "for x in gridengine.imap(simulate, (x for x in range(40)), progress='left'):\n"
        "    if x == 20: break"
    )
    text = Terminal(code, tmp_path).all()
    shown = [int(percent) for percent in re.findall(r"simulate: +(\d+)%\|", text)]
    assert 0 <= shown[0] < 100
    assert shown[-1] == 100
    assert shown == sorted(shown)
    assert len(set(shown)) > 2
    assert re.search(r"\d+/40 \[00:0\d, 00:\d\d left, [\d.]+ calls/s, 2 running\]", text)
    whole, failing, left, end = as_seen(text)
    assert re.match(r"simulate: 100%\|█+\| 40/40 \[00:0\d, [\d.]+ calls/s\] *$", whole)
    assert re.match(r"mine: 100%\|.*20/20 .*4 failed, \d tried again\] *$", failing)
    assert re.match(r"left: [23]\d calls \[00:0\d, [\d.]+ calls/s\] *$", left)
    assert end == "the end"


def test_ctrl_c_leaves_the_bar_as_it_was_above_the_traceback(tmp_path: Path) -> None:
    terminal = Terminal("gridengine.map(sleep, range(4), progress=True)", tmp_path)
    terminal.child.expect("2 running")
    terminal.child.sendintr()
    lines = as_seen(terminal.all())
    bar = next(number for number, line in enumerate(lines) if "0/4 [" in line)
    assert lines[bar + 1].startswith("Traceback")
    assert lines[-1] == "KeyboardInterrupt"


def test_a_program_that_ends_in_the_middle_of_an_imap_ends_well(tmp_path: Path) -> None:
    code = (
        "own = ProcessScheduler(1)\n"
        "values = gridengine.imap(simulate, range(40), progress=True, scheduler=own)\n"
        "next(values)"
    )
    terminal = Terminal(code, tmp_path)
    text = terminal.all()
    assert "the end" in text
    assert "Error" not in text
    assert terminal.child.exitstatus == 0


def test_a_narrow_terminal_has_one_line_for_it(tmp_path: Path) -> None:
    text = Terminal(SIMULATE, tmp_path, columns=30).all()
    lines = [line for line in re.split(r"[\r\n]+", text) if "simulate" in line]
    assert lines
    assert all(len(line) <= 30 for line in lines)


@pytest.mark.parametrize(("columns", "lines"), [(0, 0), (120, 0)])
def test_a_terminal_that_does_not_know_its_size_has_bars_too(
    columns: int, lines: int, tmp_path: Path
) -> None:
    text = Terminal(SIMULATE, tmp_path, columns=columns, lines=lines).all()
    assert re.search(r"simulate: 100%\|█+\| 40/40 \[", text)


@pytest.mark.parametrize("bar", ["progress=True", "progress=tqdm.tqdm", "in tqdm"])
def test_what_jobs_print_and_log_stands_above_the_bar(bar: str, tmp_path: Path) -> None:
    values = f"gridengine.imap(talk, range(8), {bar if bar != 'in tqdm' else ''})"
    if bar == "in tqdm":
        values = f"tqdm.tqdm({values})"
    text = Terminal(f"import tqdm\nfor _ in {values}: pass", tmp_path).all()
    said = [line for line in as_seen(text) if "said" in line or "logged" in line]
    expected = [f"said {x}" for x in range(8)] + ["[talk on HOST] logged 5"]
    assert sorted(re.sub(r"on \S+\]", "on HOST]", line) for line in said) == sorted(expected)


def test_bars_of_threads_stand_below_each_other(tmp_path: Path) -> None:
    code = (
        "both = threading.Barrier(2)\n"
        "def one(name):\n"
        "    both.wait()\n"
        "    gridengine.map(simulate, range(40), progress=name, scheduler=scheduler)\n"
        "threads = [threading.Thread(target=one, args=[name]) for name in ('red', 'blue')]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]"
    )
    text = Terminal(code, tmp_path).all()
    assert "\x1b[A" in text
    for name in ("red", "blue"):
        assert re.search(rf"{name}: 100%\|", text)


def test_the_variable_shows_all_maps_but_those_that_are_told_otherwise(tmp_path: Path) -> None:
    code = "gridengine.map(simulate, range(4))\ngridengine.map(abs, range(4), progress=False)"
    text = Terminal(code, tmp_path, GRIDENGINE_PROGRESS="1").all()
    assert "simulate: 100%" in text
    assert "abs" not in text


def test_a_terminal_that_is_stopped_does_not_hold_up_the_jobs(tmp_path: Path) -> None:
    # The bar's thread waits for it; a write of more than a terminal holds would, too.
    code = (
        "import pathlib\n"
        "values = gridengine.imap(simulate, range(200), progress='x' * 50)\n"
        "[next(values) for _ in range(150)]\n"
        "pathlib.Path('done').touch()\n"
        "values.close()"
    )
    terminal = Terminal(code, tmp_path)
    terminal.child.expect("running")
    terminal.child.send("\x13")
    wait_until((tmp_path / "done").exists, what="the jobs go on")
    terminal.child.send("\x11")
    assert "the end" in terminal.all()


def test_a_pipe_gets_lines_and_no_carriage_returns(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py", SIMULATE],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "the end\n"
    assert "\r" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(r"simulate: 40/40 \(100 %\) \[00:\d\d, [\d.]+ (calls/s|s/call)\]", last)


def test_the_example_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "progress.py")],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
    )  # fmt: skip
    assert done.stdout.startswith("pi is about 3.14")
    assert re.search(r"^throwing darts: 40/40 .*\n\Z", done.stderr, re.MULTILINE)


NOTEBOOK = """
import nbclient, nbformat
cell = '''
import gridengine, sys
with gridengine.schedulers.ProcessScheduler(1) as scheduler:
    gridengine.map(abs, range(10), progress=True, scheduler=scheduler)
print("tqdm.auto" in sys.modules)
'''
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
print(notebook.cells[0].outputs)
"""


def test_in_a_notebook_the_bar_is_that_of_tqdm_auto_below_the_cell(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTEBOOK],
        cwd=tmp_path, capture_output=True, text=True, timeout=80,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    # A line of text or, with ipywidgets, a widget.
    assert re.search(r"abs: 100%\|.* 10/10 \[|jupyter\.widget", done.stdout), done.stderr
    assert "True" in done.stdout
