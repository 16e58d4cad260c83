"""The doctor on a real Grid Engine: as it should be, and with things broken on purpose."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.diagnosis.report import Check, DoctorReport
from gridengine.schedulers import GridEngineScheduler

from ..cluster import Cluster
from ..cluster.site import mounted
from ..waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.site]

ROOT = Path(__file__).parents[2]
SECONDS = 30.0


@pytest.fixture(autouse=True)
def nothing_left_in_the_queue(cluster: Cluster) -> Iterator[None]:
    yield
    wait_until(lambda: not cluster.qstat(), what="no queue job is left")


def examined(**options: Any) -> tuple[dict[str, Check], DoctorReport]:
    report = gridengine.doctor(**options)
    assert report.seconds < SECONDS
    return {check.name: check for check in report.checks}, report


def test_where_all_is_well_all_of_it_is_ok(cluster: Cluster) -> None:
    states = lambda: {node: cluster.queue_state(node) for node in cluster.nodes}  # noqa: E731
    wait_until(lambda: not any(states().values()), what="all nodes answer", timeout=40)
    checks, report = examined()
    assert {check.state for check in checks.values()} == {"ok"}, str(report)
    assert "libdrmaa" in checks["DRMAA library"].found
    assert "LD_PRELOAD=" in checks["DRMAA library"].found
    assert "8.1.9 answers" in checks["master"].found
    assert cluster.queue in checks["queues"].found
    assert cluster.parallel_environment in checks["parallel environments"].found
    assert "h_vmem" in checks["resources"].found
    assert "arrays of 75000 tasks" in checks["site limits"].found
    assert any(node.name in checks["test job"].found for node in cluster.nodes)
    assert f"{cluster.submit_host.address} answers in" in checks["network"].found
    assert report.settings["scheduler"] == "grid_engine"


def test_what_was_asked_for_is_what_has_worked(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_PORTS", cluster.open_ports)
    asked = GridEngineScheduler(queue=cluster.queue, h_rt="00:10:00")
    with cluster.firewall("drop"):
        checks, report = examined(scheduler=asked)
    assert report.ok, str(report)
    assert cluster.open_ports in checks["network"].found
    assert report.settings["ports"] == cluster.open_ports
    assert report.settings["grid_engine"] == {"queue": cluster.queue, "h_rt": "00:10:00"}


@pytest.mark.parametrize(
    ("verdict", "said"), [("drop", "a firewall that drops"), ("reject", "Connection refused")]
)
@pytest.mark.parametrize("channel", ["auto", "tcp"])
def test_a_firewall_is_told_of(
    cluster: Cluster, verdict: Any, said: str, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_CHANNEL", channel)
    with cluster.firewall(verdict):
        checks, report = examined()
    assert checks["network"].state == ("failed" if channel == "tcp" else "warning")
    assert said in checks["network"].found
    assert "GRIDENGINE_PORTS=" in checks["network"].advice
    # All else is known by the folder.
    assert checks["run folder there"].state == checks["packages there"].state == "ok"
    assert checks["clock"].state == "unknown"
    if channel == "tcp":
        assert report.settings == {}
    else:
        # How long that takes is measured.
        assert "through files of the run folder, which answer" in checks["network"].found
        assert report.settings["channel"] == "files"


def test_a_python_that_the_node_does_not_see_is_told_of(cluster: Cluster, tmp_path: Path) -> None:
    venv.create(tmp_path / "python", symlinks=True)
    python = tmp_path / "python" / "bin" / "python"
    paths = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    with mounted(cluster, ["-t", "tmpfs", "none"], tmp_path / "python"):
        done = subprocess.run(
            [python, "-m", "gridengine", "doctor", "--json"],
            env={**os.environ, "PYTHONPATH": paths},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1, done.stderr
    checks = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert checks["Python there"]["state"] == "failed"
    assert str(python) in checks["Python there"]["found"]
    assert checks["run folder there"]["state"] == "ok"
    # The node's own Python has told it.
    assert checks["network"]["state"] == "ok"


@pytest.fixture
def unshared(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run folder that each host has for itself."""
    folder = Path(tempfile.mkdtemp(prefix="gridengine-", dir="/var/tmp"))
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(folder))
    try:
        with mounted(cluster, ["-t", "tmpfs", "none"], folder):
            yield folder
    finally:
        shutil.rmtree(folder)


def test_a_run_folder_that_is_not_shared_is_told_of(unshared: Path) -> None:
    checks, _ = examined()
    assert checks["run folder there"].state == "failed"
    assert f"does not see {unshared}" in checks["run folder there"].found
    assert "GRIDENGINE_RUN_DIR" in checks["run folder there"].advice
    assert checks["network"].state == checks["clock"].state == "ok"
    assert os.listdir(unshared) == ["sessions"]


def test_a_firewall_besides_is_told_of_by_the_exit_status(cluster: Cluster, unshared: Path) -> None:
    with cluster.firewall("drop"):
        checks, _ = examined()
    assert checks["run folder there"].state == checks["network"].state == "failed"
    assert checks["Python there"].state == "ok"


@pytest.mark.slow
def test_queues_in_error_are_told_of_with_the_reason(cluster: Cluster) -> None:
    try:
        cluster.fail_queue(cluster.nodes[0])
        checks, report = examined()
        assert checks["queues"].state == "warning"
        assert f"{cluster.queue}@{cluster.nodes[0]} is in error" in checks["queues"].found
        assert "QERROR" in checks["queues"].found
        assert report.ok, str(report)
        cluster.fail_queue(cluster.nodes[1])
        checks, report = examined()
        assert checks["queues"].state == checks["test job"].state == "failed"
        assert "qmod -c" in checks["queues"].advice
        assert "is in error" in checks["test job"].found
        assert not report.ok
    finally:
        cluster.heal()


def test_a_master_that_is_away_is_told_of(cluster: Cluster) -> None:
    cluster.stop_qmaster()
    try:
        # By default a Slurm would be tested that is here.
        checks, _ = examined(scheduler="grid_engine")
    finally:
        cluster.start_qmaster()
        cluster.heal()
    assert checks["master"].state == "failed"
    assert "qmaster" in checks["master"].found
    assert checks["test job"].state == "unknown"


@pytest.mark.parametrize(
    ("asked", "check", "said"),
    [
        ({"queue": "none.q"}, "queues", "there is no queue none.q"),
        ({"nonsense": 1}, "test job", 'unknown resource "nonsense"'),
        ({"slots": 2, "parallel_environment": "mpi"}, "parallel environments", "there is no mpi"),
    ],
)
def test_what_cannot_be_had_is_told_of(asked: dict[str, Any], check: str, said: str) -> None:
    checks, _ = examined(scheduler=GridEngineScheduler(**asked))
    assert checks[check].state == checks["test job"].state == "failed"
    assert said in checks[check].found


@pytest.fixture
def full(cluster: Cluster) -> Iterator[None]:
    """Somebody else has all slots."""
    options = ["-terse", "-b", "y", "-o", "/dev/null", "-j", "y", "-t", "1-8", "sleep", "600"]
    number = cluster.run(["qsub", *options]).stdout.partition(".")[0]
    try:
        wait_until(lambda: sum(j.state == "r" for j in cluster.qstat()) == 8, what="it is full")
        yield
    finally:
        cluster.run(["qdel", number])


def test_a_full_cluster_is_no_failure_and_says_why_it_waits(full: None) -> None:
    checks, report = examined(timeout=8.0)
    assert checks["test job"].state == "warning"
    assert "are taken" in checks["test job"].found
    assert report.ok, str(report)


def test_ctrl_c_takes_the_queue_job_back(cluster: Cluster, full: None, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gridengine", "doctor"],
        cwd=ROOT,
        env={**os.environ, "GRIDENGINE_RUN_DIR": str(tmp_path / "run")},
        stderr=subprocess.PIPE,
        text=True,
    )

    def ours() -> bool:
        return any(job.name == "gridengine-doctor" for job in cluster.qstat())

    wait_until(ours, what="the queue job is there")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert os.listdir(tmp_path / "run") == ["sessions"]
    wait_until(lambda: not ours(), what="the queue job is gone")


@pytest.mark.slow
def test_a_slow_scheduler_is_waited_for(cluster: Cluster) -> None:
    with cluster.as_a_site():
        checks, report = examined()
    assert checks["test job"].state == "ok", str(report)
    assert "every 0:0:15" in checks["site limits"].found
