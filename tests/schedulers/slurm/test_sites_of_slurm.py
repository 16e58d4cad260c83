"""Sites that preempt jobs, and that have GPUs: on a real Slurm that is configured so."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import SlurmScheduler

from ...cluster import SlurmCluster
from ...waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.site]


def waits(folder: str, x: int) -> int:
    """Notes that it has begun, and squares once it may."""
    with open(f"{folder}/begun", "a", encoding="utf-8") as file:
        file.write("x")
    while not os.path.exists(f"{folder}/go"):
        time.sleep(0.02)
    return x * x


def _begun(folder: Path) -> int:
    file = folder / "begun"
    return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job[int]]:
    """As many jobs as there are slots."""
    return [Job(target=waits, args=(str(tmp_path), x)) for x in range(8)]


def _urgent(slurm: SlurmCluster) -> None:
    """Has somebody submit what takes all slots of a node, to the partition that comes first."""
    options = ["--partition=urgent", "--cpus-per-task=4", "--output=/dev/null", "--wrap=sleep 2"]
    slurm.run(["sbatch", *options], user=slurm.user, cwd="/")


@pytest.mark.parametrize(
    "mode",
    [
        "CANCEL",
        pytest.param("REQUEUE", marks=pytest.mark.slow),
        pytest.param("SUSPEND,GANG", marks=pytest.mark.slow),
    ],
)
def test_jobs_that_are_preempted_are_done_all_the_same(
    slurm: SlurmCluster, jobs: list[Job[int]], tmp_path: Path, mode: str
) -> None:
    first = {
        "PreemptType": "preempt/partition_prio",
        "PreemptMode": mode,
        "PartitionName": "urgent Nodes=ALL PriorityTier=10 State=UP",
    }
    with slurm.configured(**first), SlurmScheduler(memory="300M", max_workers=8):
        for job in jobs:
            job.start()
        wait_until(lambda: _begun(tmp_path) == 8, what="all run", timeout=30)
        _urgent(slurm)
        if mode.startswith("SUSPEND"):
            wait_until(
                lambda: any("suspended" in job.state_reason for job in jobs),
                what="why some do not go on",
                timeout=30,
            )
        else:
            wait_until(lambda: _begun(tmp_path) == 12, what="some run again", timeout=40)
        (tmp_path / "go").touch()
        assert [job.result for job in jobs] == [x * x for x in range(8)]
    assert slurm.squeue() == []


@pytest.fixture
def devices(slurm: SlurmCluster) -> Iterator[None]:
    """Has each node have two devices that count as GPUs."""
    with slurm.gpus("/dev/zero", "/dev/full"):
        yield


@pytest.mark.usefixtures("devices")
def test_workers_see_the_gpus_that_slurm_has_granted_them() -> None:
    def seen(_: int) -> tuple[str, str]:
        time.sleep(0.2)
        return os.uname().nodename, os.environ["CUDA_VISIBLE_DEVICES"]

    with SlurmScheduler(gpus=1, memory="300M", max_workers=4):
        found = set(gridengine.map(seen, range(40), chunksize=1))
    assert {devices for _, devices in found} == {"0", "1"}
    with SlurmScheduler(memory="300M", max_workers=1):
        job = Job(target=seen, args=(0,), resources={"gres": "gpu:2"})
        job.start()
        assert job.result[1] == "0,1"
        # What has asked for none is to see none.
        assert gridengine.map(lambda _: os.environ.get("CUDA_VISIBLE_DEVICES"), [0]) == [None]
