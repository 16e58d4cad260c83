"""What GridMap's jobs ask of a cluster, and what becomes of them there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.compat.gridmap import Job, conf, process_jobs
from gridengine.schedulers import GridEngineScheduler

from ..cluster import Cluster
from ..conftest import warm
from . import gridmap_targets as targets
from .gridmap_deletion import ended_by_somebody

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def made(cluster: Cluster) -> Iterator[GridEngineScheduler]:
    with GridEngineScheduler(max_workers=2) as scheduler:
        warm(scheduler, 2)
        yield scheduler


@pytest.fixture
def grid(made: GridEngineScheduler) -> Iterator[GridEngineScheduler]:
    """Has jobs run on the cluster: on the scheduler whose ``with`` the test is in."""
    leave = gridengine.schedulers.base.enter(made)
    yield made
    leave()


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that jobs see too."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Where files of what jobs print are."""
    return tmp_path / "logs"


def test_a_cluster_that_answers_is_present(grid: GridEngineScheduler) -> None:
    assert conf.DRMAA_PRESENT is True


def test_what_jobs_ask_for_is_asked_of_the_cluster(grid: GridEngineScheduler, logs: Path) -> None:
    names = ["QUEUE", "NSLOTS"]
    jobs = [
        Job(targets.surroundings, names, num_slots=2, queue="all.q", validation_level="w"),
        Job(targets.surroundings, names, h_rt="00:10:00", h_vmem="2G", resources=["h_cpu=300"]),
    ]
    got = [variables for _, variables in process_jobs(jobs, logs, require_cluster=True)]
    assert got == [{"QUEUE": "all.q", "NSLOTS": "2"}, {"QUEUE": "all.q", "NSLOTS": "1"}]
    assert all(re.fullmatch(r"\d+\.\d+", str(job.id)) for job in jobs)


def test_a_white_list_is_where_jobs_run(grid: GridEngineScheduler, logs: Path) -> None:
    jobs = [Job(os.getpid, []) for _ in range(3)]
    process_jobs(jobs, logs, ["all.q@ge-node2"])
    assert {job.host_name for job in jobs} == {"ge-node2"}


@pytest.mark.parametrize("asked", [{"queue": "nope.q"}, {"gpu": 1}, {"resources": ["no_such=1"]}])
def test_what_nobody_has_is_told_at_once(grid: GridEngineScheduler, logs: Path, asked: Any) -> None:
    with pytest.raises(gridengine.SchedulerError, match="unknown"):
        process_jobs([Job(abs, [1], **asked)], logs)


def test_a_job_may_have_none_of_the_programs_variables(
    grid: GridEngineScheduler, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PROGRAM", "1")
    names = ["OF_THE_PROGRAM", "OWN"]
    jobs = [
        Job(targets.surroundings, names, copy_env=False, add_env={"OWN": "x"}),
        Job(targets.surroundings, names),
    ]
    assert [variables for _, variables in process_jobs(jobs, logs)] == [
        {"OF_THE_PROGRAM": None, "OWN": "x"},
        {"OF_THE_PROGRAM": "1", "OWN": None},
    ]


def test_a_library_path_of_its_own_is_there_when_the_process_starts(
    grid: GridEngineScheduler, logs: Path
) -> None:
    job = Job(targets.started_with, [], add_env={"LD_LIBRARY_PATH": "/of/its/own"})
    assert process_jobs([job], logs) == [b"LD_LIBRARY_PATH=/of/its/own"]


def test_a_job_whose_queue_job_is_deleted_is_not_tried_again(
    grid: GridEngineScheduler, logs: Path, shared: Path
) -> None:
    job = ended_by_somebody(lambda job: ["qdel", job], logs, shared)
    assert job.num_resubmits == 0


@pytest.mark.site
def test_nor_is_it_by_commands_where_the_master_notes_who_has_deleted_what(
    cluster: Cluster, logs: Path, shared: Path
) -> None:
    settings: Any = {"through": "commands"}
    with (
        cluster.limited(loglevel="log_info"),
        GridEngineScheduler(max_workers=1, settings=settings),
    ):
        job = ended_by_somebody(lambda job: ["qdel", job], logs, shared)
    # That is read a moment after the end.
    assert job.num_resubmits <= 1
