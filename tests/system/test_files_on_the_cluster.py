"""Messages through files on a real Grid Engine whose nodes a firewall keeps from the program."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gridengine
from gridengine.schedulers import GridEngineScheduler

from .. import targets
from ..cluster import Cluster
from ..waiting import wait_until

pytestmark = pytest.mark.cluster


def test_where_a_firewall_lets_nobody_in_files_are_taken_and_that_is_said(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    settings = {"connect_timeout": 3.0}
    with (
        cluster.firewall("drop"),
        GridEngineScheduler(max_workers=2, settings=settings) as scheduler,
    ):
        got = gridengine.map(targets.square, range(100), scheduler=scheduler)
        assert got == [x * x for x in range(100)]
        wait_until(
            lambda: "go through files in" in caplog.text, what="that is said, with what it costs"
        )
    assert "no answer, as behind a firewall that drops" in caplog.text
    assert "a message and its answer take 0.1 s or more" in caplog.text


def test_a_node_that_a_firewall_keeps_out_works_beside_the_others(cluster: Cluster) -> None:
    def where(_: int) -> str:
        time.sleep(0.3)
        return os.uname().nodename

    settings = {"connect_timeout": 2.0}
    with (
        cluster.firewall("reject", nodes=cluster.nodes[:1]),
        GridEngineScheduler(max_workers=8, settings=settings) as scheduler,
    ):
        done = gridengine.map(where, range(150), scheduler=scheduler, chunksize=1)
    assert set(done) == {node.name for node in cluster.nodes}


PROGRAM = """
import os, time, gridengine
from gridengine.schedulers import GridEngineScheduler


def work(path):
    open(path, "w").close()
    time.sleep(600)


with GridEngineScheduler(max_workers=1):
    gridengine.map(work, ["started"])
"""


def test_nothing_outlives_a_program_that_was_killed(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_CHANNEL", "files")
    folders = Path(os.environ["GRIDENGINE_RUN_DIR"])
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tmp_path)
    try:
        wait_until((tmp_path / "started").exists, what="the job runs", timeout=60)
        assert list(folders.glob("run-*/messages/*.up.0"))
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    wait_until(lambda: not cluster.qstat(), what="its queue job is gone", timeout=60)
    wait_until(lambda: not list(folders.glob("run-*")), what="and its folder", timeout=60)
