"""Programs that import gridmap, run as they are: ours, and GridMap's own examples and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridengine.compat.gridmap import web

Run = Callable[..., "subprocess.CompletedProcess[str]"]

#: A name of its repository: a URL or a folder.
ORIGIN = os.environ.get("GRIDENGINE_TEST_GRIDMAP", "https://github.com/pygridtools/gridmap")

MODULE = """
import gridmap
from gridmap import Job, grid_map
from gridmap.conf import DEFAULT_QUEUE


def found(x):
    import gridmap.job
    assert gridmap.job.Job is Job is gridmap.Job
    return x, gridmap.__name__, DEFAULT_QUEUE
"""

PROGRAM = """
import sys
import gridmap, gridmap.data
from gridmap import grid_map, process_jobs, Job
import its_module


def here(x):
    return gridmap.data.zloads(gridmap.data.zdumps(x)), gridmap.conf.DEFAULT_QUEUE


if __name__ == "__main__":
    print(sys.argv[1:])
    print(grid_map(its_module.found, [1, 2], temp_dir="logs", max_processes=2))
    print(process_jobs([Job(here, [3])], "logs", max_processes=2))
"""

PRINTED = """\
['--its', 'own']
[(1, 'gridengine.compat.gridmap', 'all.q'), (2, 'gridengine.compat.gridmap', 'all.q')]
[(3, 'all.q')]
"""


@pytest.fixture(params=["process", pytest.param("grid_engine", marks=pytest.mark.cluster)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program in a folder that nodes see too, by a scheduler of each sort."""
    if request.param == "grid_engine":
        request.getfixturevalue("cluster")
    folder = tmp_path_factory.mktemp("programs")

    def run_there(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gridengine.compat.gridmap", *arguments],
            cwd=folder,
            env={**os.environ, "GRIDENGINE_SCHEDULER": request.param, **more},
            capture_output=True,
            text=True,
            timeout=180,
        )

    run_there.folder = folder  # type: ignore[attr-defined]
    return run_there


def write(run: Any, name: str, text: str) -> None:
    path = run.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def test_a_script_that_imports_gridmap_runs_as_it_is(run: Run) -> None:
    write(run, "scripts/its_module.py", MODULE)
    write(run, "scripts/program.py", PROGRAM)
    done = run("scripts/program.py", "--its", "own")
    assert (done.returncode, done.stdout) == (0, PRINTED), done.stderr


def test_a_module_that_imports_gridmap_runs_as_it_is(run: Run) -> None:
    write(run, "its_module.py", MODULE)
    write(run, "program.py", PROGRAM)
    done = run("-m", "program", "--its", "own")
    assert (done.returncode, done.stdout) == (0, PRINTED), done.stderr


def test_the_example_runs() -> None:
    done = python(str(Path(__file__).parents[2] / "examples" / "from_gridmap.py"))
    assert done.returncode == 0, done.stderr
    assert "5! = 120\n" in done.stdout
    assert done.stdout.endswith("power_20: 1048576\n")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_says_how_it_is_used() -> None:
    nothing, asked = (python("-m", "gridengine.compat.gridmap", *more) for more in ([], ["-h"]))
    assert (nothing.returncode, asked.returncode) == (2, 0)
    assert "SCRIPT | -m MODULE" in nothing.stderr
    assert "SCRIPT | -m MODULE" in asked.stderr


def test_gridmap_itself_is_not_replaced_once_it_is_imported() -> None:
    done = python(
        "-c",
        "import sys, types; sys.modules['gridmap'] = types.ModuleType('gridmap')\n"
        "from gridengine.compat.gridmap import install; install()",
    )
    assert "gridmap is imported already" in done.stderr


def test_without_install_there_is_no_gridmap() -> None:
    done = python(
        "-c", "import sys, gridengine.compat.gridmap as g; assert 'gridmap' not in sys.modules\n"
        "g.install(); g.install(); import gridmap.runner, gridmap.web; assert gridmap is g",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


# ---------------------------------------------------------------------- gridmap_web


def test_the_web_monitor_has_gridmaps_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        web.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == "gridmap_web 0.15.0\n"


def test_the_web_monitor_is_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("bokeh")
    pytest.importorskip("prometheus_client")
    served = []
    monkeypatch.setattr(
        "gridengine.dashboard.server.Dashboard.run", lambda board, _: served.append(board)
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    web.main(["/some/modules", "/others", "-p", "0"])
    assert sys.path[-2:] == ["/some/modules", "/others"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SystemExit, match="gridmap_web: port"):
            web.main(["modules", "--port", str(taken.getsockname()[1])])
    served[0]._socket.close()


# ---------------------------------------------------------------------- GridMap's own

#: What of nose they use, which does not install on a current Python.
NOSE = """
import unittest

def eq_(a, b):
    assert a == b, f"{a!r} != {b!r}"

assert_raises = unittest.TestCase().assertRaises
"""

#: Runs all, those that are generators too, which no runner knows any more.
DRIVER = """
import contextlib, inspect
import gridengine
import test_gridmap

wide = gridengine.schedulers.ProcessScheduler(8)
cluster = test_gridmap.gridmap.conf.DRMAA_PRESENT
with contextlib.nullcontext() if cluster else wide:
    count = 0
    for name, test in list(vars(test_gridmap).items()):
        if name.startswith("test"):
            cases = test() if inspect.isgeneratorfunction(test) else [(test,)]
            for call, *arguments in cases:
                call(*arguments)
                count += 1
print("ran", count)
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GridMap's repository, if it can be had; nothing of it is kept."""
    folder = tmp_path_factory.mktemp("original")
    done = subprocess.run(
        ["git", "clone", "-q", "--depth", "1", ORIGIN, str(folder / "gridmap")],
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        pytest.skip(f"GridMap cannot be had: {done.stderr.strip()} (GRIDENGINE_TEST_GRIDMAP)")
    return folder / "gridmap"


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", ["manual.py", "map_reduce.py"])
def test_the_examples_of_gridmap_run(run: Run, original: Path, name: str) -> None:
    write(run, name, (original / "examples" / name).read_text(encoding="utf-8"))
    done = run(name, DEFAULT_TEMP_DIR="logs")
    assert done.returncode == 0, done.stderr
    assert "2432902008176640000" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_tests_of_gridmap_pass(run: Run, original: Path) -> None:
    write(run, "nose/__init__.py", "")
    write(run, "nose/tools.py", NOSE)
    write(run, "driver.py", DRIVER)
    tests = (original / "tests" / "test_gridmap.py").read_text(encoding="utf-8")
    write(run, "test_gridmap.py", tests)
    # They wait for a second more than these.
    short = {"HEARTBEAT_FREQUENCY": "0", "MAX_TIME_BETWEEN_HEARTBEATS": "0"}
    done = run("driver.py", DEFAULT_TEMP_DIR="logs", **short)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 10
