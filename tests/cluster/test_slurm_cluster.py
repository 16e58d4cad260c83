"""The test cluster of Slurm itself: what the tests that run on it rely on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..waiting import wait_until
from . import Cluster, Host, SlurmCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture(autouse=True)
def healed(slurm: SlurmCluster) -> Iterator[None]:
    """Each test leaves it well."""
    yield
    slurm.heal()
    assert slurm.trouble() is None
    assert slurm.squeue() == []
    assert [slurm.pids(node) for node in slurm.nodes] == [[], []]


def _daemons(slurm: SlurmCluster) -> list[list[int]]:
    masters = slurm.submit_host.pids("slurmctld")
    return [masters, *(node.pids("slurmd") for node in slurm.nodes)]


def _submit(slurm: SlurmCluster, script: str, *options: str, user: str | None = None) -> str:
    """Submits a shell script whose output goes nowhere, and gives the job's number."""
    given = ["sbatch", "--parsable", "--output=/dev/null", *options, f"--wrap={script}"]
    return slurm.run(given, user=user, cwd="/").stdout.strip()


def _over(slurm: SlurmCluster, job: str) -> dict[str, str]:
    """What Slurm tells of a job that is to end."""
    unended = ("PENDING", "RUNNING", "COMPLETING")
    wait_until(lambda: slurm.show(job)["JobState"] not in unended, what="the job ends")
    return slurm.show(job)


def _running(slurm: SlurmCluster, job: str) -> Host:
    """Where a job runs, when it does."""
    wait_until(lambda: slurm.show(job)["JobState"] == "RUNNING", what="the job runs")
    (node,) = [node for node in slurm.nodes if node.name == slurm.show(job)["NodeList"]]
    return node


# -- being up ----------------------------------------------------------------------------------


def test_up_leaves_a_healthy_slurm_as_it_is(slurm: SlurmCluster) -> None:
    before = _daemons(slurm)
    SlurmCluster.up()
    assert _daemons(slurm) == before


def test_up_replaces_a_lost_node_daemon(slurm: SlurmCluster) -> None:
    node = slurm.nodes[0]
    (lost,) = node.pids("slurmd")
    os.kill(lost, signal.SIGKILL)
    wait_until(slurm.trouble, what="the loss is noticed")
    SlurmCluster.up()
    assert slurm.trouble() is None
    assert lost not in node.pids("slurmd")


def test_it_is_up_beside_the_grid_engine(slurm: SlurmCluster, cluster: Cluster) -> None:
    assert cluster.trouble() is None
    assert slurm.trouble() is None
    cluster.run(["qsub", "-sync", "y", "-b", "y", "-o", "/dev/null", "-j", "y", "true"])
    assert _over(slurm, _submit(slurm, "true"))["JobState"] == "COMPLETED"


def test_heal_opens_it_and_empties_the_queue(slurm: SlurmCluster) -> None:
    _submit(slurm, "sleep 60", "--array=1-20")
    assert {job.task for job in slurm.squeue()} == set(range(1, 21))
    wait_until(lambda: slurm.pids(slurm.nodes[0]), what="some of them run")
    for node in slurm.nodes:
        slurm.drain(node)
    slurm.close_partition()
    trouble = slurm.trouble()
    assert trouble is not None
    assert "dr" in trouble
    # The fixture looks at what has come of it.


def test_it_is_not_taken_down_from_inside(slurm: SlurmCluster) -> None:
    with pytest.raises(RuntimeError, match="from inside"):
        SlurmCluster.down()
    assert slurm.trouble() is None


def test_an_ordinary_user_may_submit(slurm: SlurmCluster) -> None:
    job = _submit(slurm, "sleep 60", user=slurm.user)
    (told,) = slurm.squeue()
    assert (str(told.job), told.task, told.owner) == (job, None, slurm.user)
    slurm.run(["scancel", job], user=slurm.user)


# -- how jobs end ------------------------------------------------------------------------------

_TOO_MUCH = f"{sys.executable} -c 'import time; x = bytearray(10**9); time.sleep(60)'"


@pytest.mark.parametrize(
    ("script", "options", "state", "reason", "code"),
    [
        ("exit 3", [], "FAILED", "NonZeroExitCode", "3:0"),
        ("kill -SEGV $$", [], "FAILED", "JobLaunchFailure", "0:11"),
        ("sh -c 'kill -SEGV $$'; exit $?", [], "FAILED", "NonZeroExitCode", "139:0"),
        (_TOO_MUCH, ["--mem=50M"], "FAILED", "JobLaunchFailure", "0:9"),
    ],
    ids=["exit-3", "segfault", "segfault-of-a-child", "memory"],
)
def test_it_tells_how_a_job_ended(
    slurm: SlurmCluster, script: str, options: list[str], state: str, reason: str, code: str
) -> None:
    told = _over(slurm, _submit(slurm, script, *options))
    assert (told["JobState"], told["Reason"], told["ExitCode"]) == (state, reason, code)


def test_memory_is_told_in_the_output_of_the_job(slurm: SlurmCluster, tmp_path: Path) -> None:
    _over(slurm, _submit(slurm, _TOO_MUCH, "--mem=50M", f"--output={tmp_path}/out"))
    assert "exceeded memory limit" in (tmp_path / "out").read_text()


def test_a_cancelled_job_is_told_from_others(slurm: SlurmCluster) -> None:
    job = _submit(slurm, "sleep 60")
    _running(slurm, job)
    slurm.run(["scancel", job])
    assert _over(slurm, job)["JobState"] == "CANCELLED"


@pytest.mark.slow  # Slurm looks at the times each half minute.
@pytest.mark.timeout(150)
def test_a_job_over_its_time_is_told_from_others(slurm: SlurmCluster) -> None:
    job = _submit(slurm, "sleep 300", "--time=1")
    _running(slurm, job)
    wait_until(
        lambda: slurm.show(job)["JobState"] == "TIMEOUT", what="its time is over", timeout=120
    )


def test_it_keeps_accounts_while_asked_to(slurm: SlurmCluster) -> None:
    with slurm.accounting(MaxSubmitJobs="3"):
        job = _submit(slurm, "exit 3")
        show = ["sacct", "--noheader", "--parsable2", "--allocations", "--format=State,ExitCode"]

        def accounts() -> bool:
            return slurm.run([*show, f"--jobs={job}"]).stdout.strip() == "FAILED|3:0"

        wait_until(accounts, what="the accounts have the job", timeout=40)
        with pytest.raises(subprocess.CalledProcessError) as caught:
            _submit(slurm, "true", "--array=1-4")
        assert "AssocMaxSubmitJobLimit" in caught.value.stderr
    assert "disabled" in slurm.run(["sacct"], check=False).stderr


def test_a_parameter_is_changed_for_a_while(slurm: SlurmCluster) -> None:
    with slurm.configured(MaxArraySize="10"), pytest.raises(subprocess.CalledProcessError):
        _submit(slurm, "true", "--array=1-10")
    assert _submit(slurm, "true", "--array=1-10")


# -- harm --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_node_that_is_switched_off_takes_its_jobs_along(slurm: SlurmCluster) -> None:
    job = _submit(slurm, "sleep 60", "--no-requeue")
    node = _running(slurm, job)
    slurm.switch_off(node)
    wait_until(lambda: "down" in slurm.node_state(node), what="it is missed", timeout=40)
    assert _over(slurm, job)["JobState"] == "NODE_FAIL"
    slurm.switch_on(node)
    assert slurm.node_state(node) == "idle"


@pytest.mark.slow
def test_a_node_that_is_cut_off_for_long_comes_back(slurm: SlurmCluster) -> None:
    job = _submit(slurm, "sleep 60", "--no-requeue")
    node = _running(slurm, job)
    slurm.cut(node)
    wait_until(lambda: "down" in slurm.node_state(node), what="it is missed", timeout=40)
    assert slurm.pids(node)
    slurm.mend(node)
    wait_until(lambda: slurm.node_state(node) == "idle", what="it is believed again", timeout=40)
    assert slurm.show(job)["JobState"] == "NODE_FAIL"


def test_a_job_outlives_the_daemons(slurm: SlurmCluster, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job = _submit(slurm, f"until [ -e {go} ]; do sleep 0.05; done")
    node = _running(slurm, job)
    slurm.stop_slurmctld()
    slurm.stop_slurmd(node)
    trouble = slurm.trouble()
    assert trouble is not None
    assert "scontrol ping" in trouble
    slurm.start_slurmctld()
    slurm.start_slurmd(node)
    go.touch()
    assert _over(slurm, job)["JobState"] == "COMPLETED"


def test_a_controller_that_crashed_is_started_again(slurm: SlurmCluster) -> None:
    slurm.stop_slurmctld(crash=True)
    assert slurm.trouble() is not None
    slurm.heal()
    assert slurm.trouble() is None


def test_a_firewall_keeps_out_one_node_but_not_slurm(slurm: SlurmCluster) -> None:
    blocked, free = slurm.nodes
    with socket.create_server(("", 0)) as server, slurm.firewall("reject", [blocked]):
        port = server.getsockname()[1]
        connect = (
            f"import socket; socket.create_connection(({slurm.submit_host.address!r}, {port}), 1)"
        )
        for node, status in ((blocked, 1), (free, 0)):
            done = subprocess.run(
                node.enter([sys.executable, "-c", connect]), capture_output=True, check=False
            )
            assert done.returncode == status
        job = _submit(slurm, "true", f"--nodelist={blocked}")
        assert _over(slurm, job)["JobState"] == "COMPLETED"
