"""A queue job runs nothing that another user has put in the place of the program's folder."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import GridEngineScheduler

from .. import targets
from ..cluster import Cluster
from ..waiting import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def run_dir(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "it's a run"))
    yield tmp_path / "it's a run"
    qmod("-e", cluster)
    wait_until(lambda: not cluster.qstat(), what="the queue is empty")


def qmod(option: str, cluster: Cluster) -> None:
    """Closes the queue, or opens it."""
    subprocess.run(["qmod", option, cluster.queue], stdout=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize("needed", ["", "/a b/it's/$HOME"])
def test_a_queue_job_starts_from_a_folder_with_an_odd_name(
    run_dir: Path, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if needed:
        monkeypatch.setenv("LD_LIBRARY_PATH", needed)
    with GridEngineScheduler(max_workers=1) as scheduler:
        got = gridengine.map(os.environ.get, ["LD_LIBRARY_PATH"], scheduler=scheduler)
        assert [os.environ.get("LD_LIBRARY_PATH")] == got


@pytest.mark.parametrize("theirs", [False, True])
def test_what_is_planted_while_a_queue_job_waits_is_not_run_and_why_is_said(
    cluster: Cluster, run_dir: Path, tmp_path: Path, theirs: bool
) -> None:
    attacker = pwd.getpwnam(cluster.user).pw_uid
    mark = tmp_path / "owned"
    qmod("-d", cluster)
    with GridEngineScheduler(max_workers=1) as scheduler:
        job = Job(target=targets.square, args=(3,), scheduler=scheduler)
        job.start()
        wait_until(cluster.qstat, what="a queue job waits")
        [folder] = run_dir.glob("run-*")
        kept = folder.rename(tmp_path / "kept")
        # As on a node whose cleaner has been there.
        (folder / "logs").mkdir(parents=True)
        (folder / "logs").chmod(0o777)
        for name in ("start", f"start-{folder.name}"):
            (folder / name).write_text(f"touch '{mark}'\n")
            os.chown(folder / name, attacker, attacker)
        if theirs:
            os.chown(folder, attacker, attacker)
        else:
            folder.chmod(0o777)
        qmod("-e", cluster)
        job.join(60)
        [log] = (folder / "logs").iterdir()
        assert f"gridengine: nothing is run, for {folder} is not on this host" in log.read_text()
        assert not mark.exists()
        # What the node has printed is believed as little, but the user sees where to look.
        assert f"{folder} belongs to user" in str(job.exception) or (
            f"{folder} can be written by everybody" in str(job.exception)
        )
        for path in (*folder.glob("logs/*"), *folder.glob("start*")):
            path.unlink()
        (folder / "logs").rmdir()
        folder.rmdir()
        kept.rename(folder)
