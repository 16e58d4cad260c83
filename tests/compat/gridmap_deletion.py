"""A job of gridmap's interface whose queue job somebody deletes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gridengine.compat.gridmap import Job, JobException, process_jobs

from ..waiting import wait_until
from . import gridmap_targets as targets


def ended_by_somebody(command: Callable[[str], list[str]], logs: Path, shared: Path) -> Job:
    """Returns a job that was over once its queue job was deleted, by a command with its ID."""
    marker = shared / "begun"
    job = Job(targets.block, [str(marker)])

    def delete() -> None:
        wait_until(lambda: marker.exists() and job.id != -1, what="the job runs")
        subprocess.run(command(str(job.id)), check=True, capture_output=True)

    thread = threading.Thread(target=delete)
    thread.start()
    with pytest.raises(JobException, match="its queue job was deleted"):
        process_jobs([job], logs)
    thread.join()
    assert job.cause_of_death == "unknown"
    return job
