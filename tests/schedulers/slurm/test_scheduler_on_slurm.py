"""What Slurm itself does to queue jobs, on a real one: limits, holds, requeues, ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job
from gridengine.errors import JobDied, SchedulerError
from gridengine.schedulers import SlurmScheduler
from gridengine.states import DeathCause

from ...cluster import SlurmCluster
from ...waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.site]


def queue_job() -> str:
    return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"


def _scontrol(*words: str) -> None:
    subprocess.run(["scontrol", *words], check=True)


@pytest.fixture
def one(slurm: SlurmCluster) -> Iterator[SlurmScheduler]:  # it is there
    """A scheduler of one worker."""
    with SlurmScheduler(memory="300M", max_workers=1) as made:
        yield made


def _started(function: Callable[..., object], *args: object, **kwargs: object) -> Job[object]:
    job: Job[object] = Job(target=function, args=args, **kwargs)  # type: ignore[arg-type]
    job.start()
    return job


def _waits_for_file(path: str, name: str) -> str:
    Path(path, name).write_text(queue_job())
    while not Path(path, "go").exists():
        time.sleep(0.05)
    return queue_job()


def _first(folder: Path, name: str) -> str:
    file = folder / name
    wait_until(lambda: file.exists() and file.read_text(), what="the job runs")
    return file.read_text()


def test_arrays_are_as_large_as_the_site_allows(slurm: SlurmCluster) -> None:
    with slurm.configured(MaxArraySize="3"), SlurmScheduler(memory="100M", max_workers=5):
        names = set(gridengine.map(lambda _: (time.sleep(0.5), queue_job())[1], range(10)))
        assert len({name.partition("_")[0] for name in names}) > 1
    assert slurm.squeue() == []


def test_a_queue_job_that_is_put_back_is_lost_and_its_call_is_tried_in_another(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    with SlurmScheduler(memory="300M", max_workers=1):
        job = _started(_waits_for_file, str(tmp_path), "name")
        first = _first(tmp_path, "name")
        (tmp_path / "name").unlink()
        _scontrol("update", f"JobId={first}", "Requeue=1")
        _scontrol("requeue", first)
        assert _first(tmp_path, "name") != first
        (tmp_path / "go").touch()
        assert job.result != first
        assert all(f"{each.job}_{each.task}" != first for each in slurm.squeue())


@pytest.mark.usefixtures("one")
def test_a_supervisor_that_is_killed_is_known_within_two_seconds_or_so(tmp_path: Path) -> None:
    def kills(folder: str) -> None:
        if not (Path(folder) / "killed").exists():
            (Path(folder) / "killed").write_text(str(time.time()))
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)

    gridengine.map(abs, [1])
    job = _started(kills, str(tmp_path))
    killed = float(_first(tmp_path, "killed"))
    assert job.result is None
    # With the start of another queue job, on a machine that does much else.
    assert time.time() - killed < 15


@pytest.mark.usefixtures("slurm")
def test_one_that_somebody_cancels_was_killed_and_says_so() -> None:
    def cancels() -> None:
        subprocess.run(["scancel", queue_job()], check=True)
        time.sleep(60)

    # That it is tried again elsewhere is nothing of Slurm's.
    once = {"infrastructure_retries": 0}
    with SlurmScheduler(memory="300M", max_workers=1, settings=once):
        job = _started(cancels)
        with pytest.raises(JobDied) as died:
            _ = job.result
    assert died.value.death.cause is DeathCause.KILLED
    assert "Slurm: cancelled" in died.value.death.detail


@pytest.mark.usefixtures("one")
def test_more_memory_than_was_asked_for_is_told_from_a_kill() -> None:
    def eats() -> None:
        eaten = [bytes(1) * 2**20 for _ in range(900)]
        time.sleep(30)
        del eaten

    job = _started(eats, retries=0)
    with pytest.raises(JobDied) as died:
        _ = job.result
    death = died.value.death
    assert death.cause is DeathCause.OUT_OF_MEMORY
    assert death.requested_memory == 300 * 2**20
    assert death.peak_memory > death.requested_memory


@pytest.mark.usefixtures("slurm")
def test_who_can_never_start_says_why_at_once_or_as_soon_as_slurm_does() -> None:
    with (
        SlurmScheduler(partition="nowhere"),
        pytest.raises(SchedulerError, match=r"invalid partition specified: nowhere.*`sinfo`"),
    ):
        gridengine.map(abs, [1])
    with (
        SlurmScheduler(excluzive=True),
        pytest.raises(SchedulerError, match="did you mean 'exclusive'"),
    ):
        gridengine.map(abs, [1])


@pytest.mark.usefixtures("slurm")
def test_a_job_says_why_slurm_has_not_started_it() -> None:
    with SlurmScheduler(memory="300M", max_workers=1, hold=True):
        job = _started(queue_job)
        wait_until(lambda: "scontrol release" in job.state_reason, what="why it waits", timeout=40)
        name = job.state_reason.partition("release ")[2].partition("`")[0]
        _scontrol("release", name)
        assert job.result == name


@pytest.mark.slow
def test_nothing_starts_in_a_partition_that_is_down(slurm: SlurmCluster) -> None:
    slurm.close_partition()
    try:
        with SlurmScheduler(memory="300M", max_workers=1):
            job = _started(queue_job)
            reason = "partition main is down"
            wait_until(lambda: reason in job.state_reason, what="why it waits", timeout=40)
            _scontrol("update", f"PartitionName={slurm.partition}", "State=UP")
            assert job.result
    finally:
        slurm.heal()


@pytest.mark.usefixtures("slurm")
def test_a_jobs_own_request_is_granted() -> None:
    with SlurmScheduler(memory="300M", time="1h"):
        asked = {"cpus": 2, "mem": "400M"}
        job = _started(lambda: dict(os.environ), resources=asked)
        environment = job.result
        assert isinstance(environment, dict)
        assert environment["SLURM_CPUS_PER_TASK"] == "2"
        assert environment["SLURM_MEM_PER_NODE"] == "400"
        bigger = _started(lambda: os.environ["SLURM_MEM_PER_CPU"], memory="500M")
        assert bigger.result == "500"
