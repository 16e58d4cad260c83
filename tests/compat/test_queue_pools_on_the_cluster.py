"""Pools of queue_map_reduce and pypoolparty on a real Grid Engine and a real Slurm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gridengine import JobDied
from gridengine.compat import pypoolparty
from gridengine.compat import queue_map_reduce as qmr
from gridengine.compat.queue_pools import run

from ..cluster import Cluster, SlurmCluster
from ..waiting import wait_until

pytestmark = pytest.mark.cluster


def test_a_map_of_lambdas_runs_as_queue_jobs(cluster: Cluster, tmp_path: Path) -> None:
    offset, folder = 5, tmp_path / "work"
    pool = qmr.Pool(
        queue_name=cluster.queue, work_dir=folder, num_chunks=3, polling_interval_qstat=0.3
    )
    hosts = pool.map(lambda x: (x + offset, os.uname().nodename), range(6))
    assert [x for x, _ in hosts] == [5, 6, 7, 8, 9, 10]
    assert {host for _, host in hosts} <= {node.name for node in cluster.nodes}
    assert not folder.exists()


def test_a_killed_queue_job_is_tried_again_and_then_told(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_SETTLE", 1.0)
    pool = pypoolparty.sun_grid_engine.Pool(
        work_dir=tmp_path / "work", polling_interval=0.3, max_num_resubmissions=1
    )
    with pytest.raises(JobDied, match="ended 2 times without results"):
        pool.map(lambda x: os.kill(os.getpid(), signal.SIGKILL), [1])
    assert not cluster.qstat()


PROGRAM = """
import pathlib, time
from gridengine.compat import queue_map_reduce as qmr

def work(x):
    here = pathlib.Path({folder!r})
    (here / f"begun-{{x}}").touch()
    while not (here / "go").exists():
        time.sleep(0.05)
    return 10 * x

qmr.Pool(work_dir={work!r}, polling_interval_qstat=0.2).map(work, range(3))
"""


def test_a_map_outlives_its_program(cluster: Cluster, tmp_path: Path) -> None:
    code = PROGRAM.format(folder=str(tmp_path), work=str(tmp_path / "work"))
    program = subprocess.Popen([sys.executable, "-c", code])
    begun = [tmp_path / f"begun-{x}" for x in range(3)]
    wait_until(lambda: all(each.exists() for each in begun), what="all have begun", timeout=70)
    program.kill()
    program.wait()
    assert len(cluster.qstat()) == 3
    (tmp_path / "go").touch()
    pool = qmr.Pool(polling_interval_qstat=0.2)
    assert pool.resume(str(tmp_path / "work")) == [0, 10, 20]
    wait_until(lambda: not cluster.qstat(), what="no queue job is left")


@pytest.mark.parametrize("array", [False, True])
def test_maps_run_as_queue_jobs_of_slurm(slurm: SlurmCluster, tmp_path: Path, array: bool) -> None:
    offset = 5
    maker = pypoolparty.slurm.array.Pool if array else pypoolparty.slurm.Pool
    pool = maker(work_dir=tmp_path, polling_interval=0.3)
    hosts = pool.map(lambda x: (x + offset, os.uname().nodename), range(6))
    assert [x for x, _ in hosts] == [5, 6, 7, 8, 9, 10]
    assert {host for _, host in hosts} <= {node.name for node in slurm.nodes}
    assert not list(tmp_path.iterdir())
