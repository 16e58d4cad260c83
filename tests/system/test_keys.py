"""No key, and nothing of the environment, is where other users can read it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import psutil
import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import GridEngineScheduler
from gridengine.transport.launch_file import Launch

from .. import targets
from ..cluster import Cluster
from ..waiting import wait_until
from . import peers
from .peers import OverTcp

PRIVATE = "what others need not know"


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("SOMETHING_OF_THE_PROGRAM", PRIVATE)
    return tmp_path / "run"


def keys_of(launch: Launch) -> list[str]:
    """Returns what nobody else is to see of a launch file."""
    keys = [launch.public_key, launch.secret_key, launch.server_key]
    assert all(len(key) == 40 for key in keys)
    return keys


def test_no_key_is_in_arguments_environments_or_the_log(
    run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with OverTcp(2) as scheduler:
        assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
        keys = keys_of(peers.port_in(run_dir).launch)
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        assert len(family) >= 1 + 2
        for process in family:
            for name in ("cmdline", "environ"):
                told = Path(f"/proc/{process.pid}/{name}").read_bytes()
                assert told
                assert [key for key in keys if key.encode() in told] == []
    assert caplog.text
    assert [key for key in keys if key in caplog.text] == []


@pytest.mark.cluster
def test_what_every_user_is_shown_of_a_queue_job_has_neither_keys_nor_variables(
    cluster: Cluster, run_dir: Path
) -> None:
    with GridEngineScheduler(max_workers=1) as scheduler:
        job = Job(target=targets.sleep, args=(60,), scheduler=scheduler)
        job.start()
        [queue_job] = wait_until(
            lambda: [each for each in cluster.qstat() if each.state == "r"], what="it runs"
        )
        wait_until(lambda: job.host, what="the job runs")
        told = cluster.run(["qstat", "-j", str(queue_job.job)], user=cluster.user).stdout
        told += cluster.run(["qstat", "-xml", "-j", str(queue_job.job)], user=cluster.user).stdout
        keys = keys_of(peers.port_in(run_dir).launch)
        job.kill()
    # What is there to be seen: where the file with all that lies.
    assert "launch-" in told
    assert [each for each in (*keys, PRIVATE, "SOMETHING_OF") if each in told] == []
    assert os.environ["SOMETHING_OF_THE_PROGRAM"] == PRIVATE
