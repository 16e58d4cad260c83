"""What becomes of GridMap's jobs on a real Slurm."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridengine.schedulers import SlurmScheduler

from ..cluster import SlurmCluster
from .gridmap_deletion import ended_by_somebody

pytestmark = pytest.mark.cluster


def test_a_job_whose_queue_job_is_cancelled_is_not_tried_again(
    slurm: SlurmCluster, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with SlurmScheduler(memory="300M", max_workers=1):
        job = ended_by_somebody(
            lambda job: ["scancel", job.replace(".", "_")],
            tmp_path / "logs",
            tmp_path_factory.mktemp("shared"),
        )
    # Who it was is told a moment after the end.
    assert job.num_resubmits <= 1
