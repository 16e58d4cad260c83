"""A kernel that is restarted or killed leaves neither workers nor queue jobs."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from ..conftest import the_cluster
from ..waiting import wait_until
from .conftest import environment_of
from .kernel import Kernel

WORK = """
import gridengine, os, time
def where(_):
    time.sleep(0.05)
    return os.getpid()
pids = set(gridengine.map(where, range(20), chunksize=1))
job = gridengine.Job(target=time.sleep, args=(600,)); job.start()
print(*pids)
"""


@pytest.mark.parametrize(
    "scheduler",
    ["process", pytest.param("cluster", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
@pytest.mark.parametrize("end", ["killed", "shut down"])
def test_nothing_is_left_of_a_kernel_that_ends(scheduler: str, end: str, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, environment_of(scheduler))
    try:
        pids = [int(word) for word in kernel.value(WORK).split()]
        assert pids
    except BaseException:
        kernel.close()
        raise
    if end == "killed":
        kernel.kill()
    else:
        kernel.close()
    if scheduler == "process":
        wait_until(lambda: not any(map(psutil.pid_exists, pids)), what="no worker is left")
    else:
        cluster = the_cluster()
        wait_until(lambda: not cluster.qstat(), what="no queue job is left", timeout=60)
