"""Messages through files where no port is open: slow file systems, full ones, and what may die."""

from __future__ import annotations

import builtins
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import Scheduler
from gridengine.transport import files

from .. import targets
from ..hosts_scheduler import HERE, hosts_scheduler, source
from ..slow_share import SlowShare
from ..waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which root alone can do")


def on_hosts(*hosts: str, command: tuple[str, ...] = HERE, **settings: Any) -> Scheduler:
    made = hosts_scheduler()(hosts, workers=2, command=command)
    made.settings = {"channel": "files", **settings}
    return made


def relay() -> int:
    """Returns the process id of the relay of the worker that runs this."""
    return psutil.Process(os.getppid()).ppid()


def test_neither_a_port_nor_a_key_is_there(tmp_path: Path) -> None:
    with on_hosts("one") as scheduler:
        assert gridengine.map(targets.square, range(3), scheduler=scheduler) == [0, 1, 4]
        assert not [each for each in psutil.Process().net_connections() if each.laddr]
        launch = next(Path(os.environ["GRIDENGINE_RUN_DIR"]).glob("run-*/launch-*")).read_text()
        assert '"secret_key": ""' in launch


@needs_root
@pytest.mark.parametrize("delay", [0.3, pytest.param(2.0, marks=pytest.mark.slow)])
def test_on_a_slow_file_system_all_is_right(
    tmp_path: Path, delay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(mode=0o700)
    there.mkdir(mode=0o700)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(here))
    seen = f'mount --bind {there} {here} && cd / && eval "$1"'
    command = ("unshare", "-m", "sh", "-c", seen)
    with SlowShare(here, there, delay), on_hosts("one", "two", command=command) as scheduler:
        got = gridengine.map(targets.square, range(1000), scheduler=scheduler)
        assert got == list(builtins.map(targets.square, range(1000)))
        # Work that lasts as long as several round trips: nobody rests while they last.
        begun = time.monotonic()
        gridengine.map(time.sleep, [0.05] * int(160 * delay), scheduler=scheduler)
        assert time.monotonic() - begun < 12 * delay + 3
        large = gridengine.map(len, [bytes(3_000_000)] * 3, scheduler=scheduler)
        assert large == [3_000_000] * 3


@pytest.fixture
def little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run folder on a file system of 1 MB."""
    folder = tmp_path / "little"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", folder], check=True)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(folder))
    monkeypatch.setattr("gridengine.transport.outlet.MAKE_ROOM", 0.5)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@needs_root
def test_what_finds_no_room_fails_with_the_reason_and_the_others_go_on(little_room: Path) -> None:
    with on_hosts("one") as scheduler:
        with pytest.raises(gridengine.SchedulerError, match="No space left on device; make room"):
            gridengine.map(len, [bytes(5_000_000)], scheduler=scheduler)
        got = gridengine.map(
            bytes, [10, 5_000_000, 20], scheduler=scheduler, chunksize=1, reraise=False
        )
        assert [len(got[0]), len(got[2])] == [10, 20]
        assert isinstance(got[1], gridengine.SchedulerError)
        assert "GRIDENGINE_RUN_DIR" in str(got[1])
        jobs = [Job(target=len, args=(bytes(n),), scheduler=scheduler) for n in (9, 5_000_000)]
        for job in jobs:
            job.start()
        assert jobs[0].result == 9
        with pytest.raises(gridengine.SchedulerError, match="No space"):
            _ = jobs[1].result


@needs_root
def test_what_has_no_room_at_all_fails_and_nothing_waits_for_ever(
    little_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridengine.transport.outlet.GIVE_UP", 1.0)
    with on_hosts("one", "two", "three", infrastructure_retries=0) as scheduler:
        assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
        with contextlib.suppress(OSError), (little_room / "others").open("wb", 0) as file:
            while True:
                file.write(bytes(4096))
        begun = time.monotonic()
        with pytest.raises(gridengine.GridEngineError):
            # What the files have begun of a page of memory they may fill.
            gridengine.map(abs, range(20_000), chunksize=1, scheduler=scheduler)
        assert time.monotonic() - begun < 60
        (little_room / "others").unlink()
        # Who asks then gets what there is room for.
        assert gridengine.map(abs, [-2], scheduler=scheduler) == [2]


def test_a_relay_that_is_killed_costs_its_job_no_attempt(tmp_path: Path) -> None:
    def kill_it_once(path: str) -> str:
        try:
            with open(path, "x") as file:
                file.write(str(os.getppid()))
            os.kill(relay(), signal.SIGKILL)
            signal.pause()
        except FileExistsError:
            return "done"
        return "nobody was killed"

    with on_hosts("one", "two") as scheduler:
        path = tmp_path / "x"
        job = Job(target=kill_it_once, args=(str(path),), scheduler=scheduler, retries=0)
        job.start()
        assert job.result == "done"
        wait_until(
            lambda: not psutil.pid_exists(int(path.read_text())), what="its supervisor has ended"
        )


def test_a_node_that_is_silent_is_lost_and_others_do_its_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LEAST_PATIENCE", 3.0)

    def freeze_it_once(path: str) -> str:
        try:
            with open(path, "x"):
                os.kill(relay(), signal.SIGSTOP)
                time.sleep(600)
        except FileExistsError:
            return "done"
        return "nobody was frozen"

    with on_hosts("one", "two", patience=3.0, heartbeat=0.5) as scheduler:
        job = Job(target=freeze_it_once, args=(str(tmp_path / "x"),), scheduler=scheduler)
        job.start()
        assert job.result == "done"


PROGRAM = """
import os, sys, time, gridengine


def work():
    open("relay.new", "w").write(" ".join(map(str, (os.getpid(), os.getppid()))))
    os.rename("relay.new", "pids")
    time.sleep(600)


with HostsScheduler(["one"], command=("sh", "-c", sys.argv[1])):
    job = gridengine.Job(target=work)
    job.start()
    job.join()
"""

#: Nobody ends it when the program is gone.
FOR_ITSELF = 'eval "$1" < /dev/null'


def test_a_relay_ends_with_the_folder_of_its_program_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_CHANNEL", "files")
    # The line of the page ends what it has started when it is hung up on: that is not for here.
    text = source().replace("kill $child", "true").replace('"wait"', '"wait"')
    (tmp_path / "program.py").write_text(text + PROGRAM, encoding="utf-8")
    program = subprocess.Popen([sys.executable, "program.py", 'eval "$1"'], cwd=tmp_path)
    try:
        wait_until((tmp_path / "pids").exists, what="the job runs")
    finally:
        program.kill()
        program.wait()
    left = [psutil.Process(int(pid)) for pid in (tmp_path / "pids").read_text().split()]
    assert all(each.is_running() for each in left)
    subprocess.run([sys.executable, "-m", "gridengine", "reap"], check=True, timeout=60)
    wait_until(
        lambda: not any(each.is_running() for each in left), what="worker and supervisor ended"
    )


@needs_root
def test_where_no_address_answers_files_are_taken_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[str] = []
    caplog.set_level(logging.WARNING)
    without = ("unshare", "-n", "sh", "-c", 'eval "$1"')
    with on_hosts("one", command=without, channel="auto", connect_timeout=1.0) as scheduler:
        assert gridengine.map(targets.square, range(20), scheduler=scheduler) == [
            x * x for x in range(20)
        ]
        wait_until(
            lambda: [each for each in caplog.messages if "go through files in" in each],
            what="it is said",
        )
    said = next(each for each in caplog.messages if "go through files in" in each)
    heard.append(said)
    assert "a message and its answer take 0.1 s or more" in said
    assert "GRIDENGINE_PORTS=54000-54100" in said
    assert "Network is unreachable" in said
