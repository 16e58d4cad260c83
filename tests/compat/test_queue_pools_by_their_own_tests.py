"""The tests of queue_map_reduce and pypoolparty themselves, which are fetched: they take minutes.

Their folders of tests, dummy batch systems and helpers are theirs; the pools are ours.
GRIDENGINE_PREDECESSORS names a folder that has the checkouts already, by their names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

URL = "https://github.com/cherenkov-plenoscope/"

QMR = """
import functools, sys
from gridengine.compat import queue_map_reduce as ours
from gridengine.compat.queue_map_reduce import debug, network_file_system, pool, queue, utils

for name in ("debug", "network_file_system", "pool", "queue", "utils"):
    sys.modules[f"queue_map_reduce.{name}"] = getattr(ours, name)
Pool = functools.partial(ours.Pool, on_error="none")
"""

PYPOOLPARTY = """

import functools
from gridengine.compat import pypoolparty as ours

sun_grid_engine.Pool = functools.partial(ours.sun_grid_engine.Pool, on_error="none")
slurm.Pool = functools.partial(ours.slurm.Pool, on_error="none")
slurm.array.Pool = functools.partial(ours.slurm.array.Pool, on_error="none")
slurm.filter_stderr = ours.slurm.filter_stderr
chunking.assign_tasks_to_chunks = ours.chunking.assign_tasks_to_chunks
"""


def source_of(name: str, folder: Path) -> Path:
    """Returns a checkout."""
    if given := os.environ.get("GRIDENGINE_PREDECESSORS"):
        return Path(given) / name
    command = ["git", "clone", "--quiet", "--depth=1", f"{URL}{name}", str(folder / name)]
    environ = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        subprocess.run(command, env=environ, capture_output=True, timeout=40, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"{name} cannot be fetched: {error}")
    return folder / name


def run(folder: Path, name: str) -> None:
    # Their dummies are started as `python`.
    path = [str(Path(sys.executable).parent), os.environ["PATH"]]
    modules = [str(folder), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PATH": ":".join(path), "PYTHONPATH": ":".join(modules)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, name], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.timeout(1200)
def test_those_of_queue_map_reduce(tmp_path: Path) -> None:
    pytest.importorskip("pkg_resources", reason="its dummy batch system needs setuptools < 81")
    source = source_of("queue_map_reduce", tmp_path) / "queue_map_reduce"
    package = tmp_path / "on the path/queue_map_reduce"
    shutil.copytree(source / "tests", package / "tests")
    shutil.copy(source / "dummy_queue.py", package)
    (package / "__init__.py").write_text(QMR)
    run(package.parent, "queue_map_reduce")


@pytest.mark.timeout(2400)
def test_those_of_pypoolparty(tmp_path: Path) -> None:
    for module in ("json_lines", "json_line_logger", "rename_after_writing", "qstat"):
        pytest.importorskip(module, reason="its helpers need it")
    source = source_of("pypoolparty", tmp_path) / "pypoolparty"
    package = tmp_path / "on the path/pypoolparty"
    shutil.copytree(source, package)
    with open(package / "__init__.py", "a") as file:
        file.write(PYPOOLPARTY)
    run(package.parent, "pypoolparty")
