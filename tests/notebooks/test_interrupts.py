"""The stop button: what a cell has begun ends, and the next one works at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..waiting import wait_until
from .kernel import Kernel

#: Each writes that it runs, and that it has been let to clear up.
WORK = """
def work(number):
    import pathlib, time
    try:
        pathlib.Path(f"{folder}/runs-{number}").touch()
        time.sleep(600)
    finally:
        pathlib.Path(f"{folder}/ended-{number}").touch()
"""

CELLS = {
    "map": "gridengine.map(work, [0, 1])",
    "imap": "for _ in gridengine.imap(work, [0, 1]): pass",
    "imap in a list": "list(gridengine.imap_unordered(work, iter(range(100))))",
    "aio": "await gridengine.aio.map(work, [0, 1])",
    "await": "job = gridengine.Job(target=work, args=(0,)); job.start(); await job",
    "job": "job = gridengine.Job(target=work, args=(0,)); job.start(); job.join()",
    "result": "job = gridengine.Job(target=work, args=(0,)); job.start(); job.result",
    "not waited for": "job = gridengine.Job(target=work, args=(0,)); job.start(); time.sleep(600)",
    "dispatcher": (
        "with gridengine.JobDispatcher() as batch:\n"
        "    batch.dispatch([gridengine.Job(target=work, args=(n,)) for n in range(2)])\n"
        "    batch.join()"
    ),
    "pool": "with gridengine.Pool() as pool: pool.map(work, [0, 1])",
    "pool.apply": "shared.apply(work, (0,))",
    "pool.map": "shared.map(work, range(100), chunksize=1)",
    "pool.starmap": "shared.starmap(work, [(0,), (1,)])",
    "pool.imap": "for _ in shared.imap(work, range(100)): pass",
    "executor": "with gridengine.Executor() as executor: list(executor.map(work, [0, 1]))",
    "executor.submit": "executor = gridengine.Executor(); executor.submit(work, 0).result()",
}


#: One of each way to be taken back; the others take a minute together.
QUICK = {"map", "aio", "job", "pool.map", "executor.submit"}


@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, marks=[] if cell in QUICK else pytest.mark.slow) for cell in CELLS],
)
def test_an_interrupted_cell_ends_its_calls_and_the_next_one_works(
    kernel: Kernel, cell: str
) -> None:
    folder = kernel.folder / cell.replace(" ", "_")
    folder.mkdir()
    kernel.value(f"folder = {str(folder)!r}\nshared = gridengine.Pool()" + WORK)
    request = kernel.begin(CELLS[cell])
    wait_until(lambda: list(folder.glob("runs-*")), what="a call runs", timeout=40)
    kernel.interrupt()
    begin = time.monotonic()
    ended = kernel.end(request)
    assert ended.error in ("KeyboardInterrupt", "CancelledError"), ended
    assert (
        kernel.value("gridengine.map(abs, range(-8, 0), chunksize=1)") == "[8, 7, 6, 5, 4, 3, 2, 1]"
    )
    assert time.monotonic() - begin < 10
    # Nothing goes on, and nothing more is begun, until all that is left of it is ended anyway.
    wait_until(lambda: _numbers(folder, "runs") == _numbers(folder, "ended"), what="all have ended")
    ran = _numbers(folder, "runs")
    kernel.value("shared.terminate(); shared.join()")
    assert _numbers(folder, "runs") == ran


def _numbers(folder: Path, what: str) -> set[str]:
    return {path.name.partition("-")[2] for path in folder.glob(f"{what}-*")}


def test_the_second_interrupt_hurts_nobody(kernel: Kernel) -> None:
    folder = kernel.folder / "twice"
    folder.mkdir()
    kernel.value(f"folder = {str(folder)!r}" + WORK)
    for turn in range(2):
        request = kernel.begin(f"gridengine.map(work, [{turn}])")
        wait_until((folder / f"runs-{turn}").exists, what="it runs")
        kernel.interrupt()
        kernel.interrupt()
        ended = kernel.end(request)
        # IPython shows the first of them as text alone where the second comes as it shows it.
        assert "KeyboardInterrupt" in (ended.error, ended.text.strip()), ended
    assert kernel.value("gridengine.map(abs, [-1, -2])") == "[1, 2]"


def test_jobs_of_earlier_cells_go_on(kernel: Kernel) -> None:
    gate = kernel.folder / "gate"
    kernel.value(
        f"def wait(gate={str(gate)!r}):\n"
        "    while not os.path.exists(gate): time.sleep(0.01)\n"
        "    return 'went on'\n"
        "background = gridengine.Job(target=wait); background.start()"
    )
    request = kernel.begin("print('waits', flush=True); background.join()")
    time.sleep(0.5)
    kernel.interrupt()
    assert kernel.end(request).error == "KeyboardInterrupt"
    gate.touch()
    assert kernel.value("background.result") == "'went on'"


def test_what_is_shown_of_an_interrupt_is_short(kernel: Kernel) -> None:
    request = kernel.begin("print('begun', flush=True)\ngridengine.map(time.sleep, [600, 600])")
    time.sleep(0.5)
    kernel.interrupt()
    shown = kernel.end(request).traceback
    assert shown.rstrip().endswith("KeyboardInterrupt:")
    assert len(shown.splitlines()) < 30, shown


#: A shell in which Ctrl-C comes when the second statement of a cell is about to be run.
BETWEEN = """
import ast, time
from IPython.core.compilerop import CachingCompiler
from IPython.core.interactiveshell import InteractiveShell
import gridengine

class Interrupted(CachingCompiler):
    def __call__(self, source, *arguments, **options):
        if isinstance(source, ast.AST) and "later" in ast.dump(source):
            raise KeyboardInterrupt
        return super().__call__(source, *arguments, **options)

shell = InteractiveShell.instance()
shell.compile = Interrupted()
shell.user_ns.update(gridengine=gridengine, time=time)
shell.run_cell("job = gridengine.Job(target=time.sleep, args=(600,)); job.start()\\n'later'")
job = shell.user_ns["job"]
job.join(30)
print("it is", job.state.value)
"""


#: A shell in which a cell is interrupted that has run another one, as ``%run`` does with notebooks.
NESTED = """
import time
from IPython.core.interactiveshell import InteractiveShell
import gridengine

shell = InteractiveShell.instance()
shell.user_ns.update(gridengine=gridengine, time=time)
start = "{0} = gridengine.Job(target=time.sleep, args=(600,)); {0}.start()"
shell.run_cell("import gridengine; " + start.format("earlier"))
inner = "get_ipython().run_cell('1 + 1')"
shell.run_cell(f"{start.format('job')}; {inner}\\nraise KeyboardInterrupt")
job, earlier = shell.user_ns["job"], shell.user_ns["earlier"]
job.join(30)
print("it is", job.state.value, "and the earlier one is", "alive" if earlier.is_alive() else "not")
earlier.terminate()
"""


@pytest.mark.parametrize("program", [BETWEEN, NESTED], ids=["between statements", "nested"])
def test_an_interrupted_cell_of_a_shell_ends_its_jobs(tmp_path: Path, program: str) -> None:
    pytest.importorskip("IPython")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process", "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=80,
    )
    assert "it is cancelled" in done.stdout, done.stdout + done.stderr
    assert program is BETWEEN or "the earlier one is alive" in done.stdout
