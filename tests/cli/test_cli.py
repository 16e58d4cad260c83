"""``gridengine reap`` ends what was left behind, and nothing else."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine.cli import main as cli
from gridengine.schedulers.grid_engine.batch_system import ge_commands
from gridengine.schedulers.grid_engine.batch_system.identity import identity
from gridengine.schedulers.queue_session import leftovers
from gridengine.schedulers.queue_session.leftovers import SessionFile
from gridengine.schedulers.queue_session.process.registry import Registry
from gridengine.transport import private_files
from gridengine.transport.process_identity import ProcessIdentity
from gridengine.transport.run_folders import RunFolder

from ..cluster import Cluster
from ..left_behind import (
    folder_of_a_dead_program,
    folder_of_a_program,
    says,
    session_file,
)
from ..waiting import wait_until

# `reap` looks at all of the user's processes: those of other tests would be found, and ended.
pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gridengine", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


# -- the command line -------------------------------------------------------------------------


def test_it_says_its_version() -> None:
    assert f"gridengine {gridengine.__version__}\n" == command("--version").stdout


def test_it_helps() -> None:
    assert "reap" in command("--help").stdout
    text = command("reap", "--help").stdout
    assert "--dry-run" in text
    assert "GRIDENGINE_RUN_DIR" in text


@pytest.mark.parametrize("arguments", [[], ["sow"], ["reap", "--wet"]])
def test_a_wrong_command_is_told_with_the_right_ones(arguments: list[str]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "usage: gridengine" in done.stderr


def test_a_wrong_setting_is_told_in_one_line() -> None:
    done = command("reap", GRIDENGINE_PATIENCE="long")
    assert done.returncode == 1
    assert "gridengine: GRIDENGINE_PATIENCE is 'long'; it takes a number\n" == done.stderr


# -- what is left on this host ----------------------------------------------------------------


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    private_files.make_folder(str(tmp_path / "run" / "sessions"))
    return tmp_path / "run"


@pytest.fixture
def reap(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def reap(*options: str, status: int = 0) -> str:
        assert status == cli.main(["reap", *options])
        return capsys.readouterr().out

    return reap


def test_where_nothing_is_nothing_is_done(reap: Callable[..., str], run_dir: Path) -> None:
    assert "nothing was left behind\n" == reap()
    shutil.rmtree(run_dir)
    assert "nothing was left behind\n" == reap()


def test_the_folder_of_a_dead_program_is_removed(reap: Callable[..., str], run_dir: Path) -> None:
    folder = folder_of_a_dead_program(run_dir)
    assert f"would remove: folder {folder}" in reap("--dry-run")
    assert folder.exists()
    assert f"removed: folder {folder}" in reap()
    assert not folder.exists()


def test_the_folder_of_the_living_stays(reap: Callable[..., str], run_dir: Path) -> None:
    with folder_of_a_program(run_dir) as living:
        assert f"left alone: folder {living}: its program runs\nnothing was left" in reap()
        assert living.exists()


def test_folders_of_other_hosts_and_of_an_earlier_start_stay_and_it_is_told_what_to_do(
    reap: Callable[..., str], run_dir: Path
) -> None:
    other, rebooted = folder_of_a_dead_program(run_dir), folder_of_a_dead_program(run_dir)
    says(rebooted, boot="another")
    says(other, host="elsewhere")
    other = other.rename(Path(str(other).replace(socket.gethostname(), "elsewhere")))
    told = reap()
    assert f"folder {other}: it can be looked at on elsewhere only; if its program is " in told
    assert f"folder {rebooted}: this host has been started since" in told
    assert f"if its program is gone: rm -r {rebooted}\n" in told
    assert other.exists()
    assert rebooted.exists()
    assert "nothing was left behind" in told


def test_the_file_of_a_dead_session_without_queue_jobs_is_removed(
    reap: Callable[..., str], run_dir: Path
) -> None:
    path = session_file(run_dir)
    assert "would remove: file of session" in reap("--dry-run")
    assert path.exists()
    reap()
    assert not path.exists()


def this_process() -> dict[str, Any]:
    return ProcessIdentity.of(os.getpid())._asdict()


@pytest.mark.parametrize("which", ["program", "session"])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, "runs"),
        ({"host": "elsewhere"}, "it can be looked at on elsewhere only; if it is gone: rm "),
        ({"boot": "another"}, "this host has been started since"),
        ({"namespace": "pid:[1]"}, "another PID namespace"),
    ],
)
def test_a_session_that_may_live_is_left_alone(
    reap: Callable[..., str], run_dir: Path, which: str, changed: dict[str, Any], reason: str
) -> None:
    path = session_file(run_dir, **{which: {**this_process(), **changed}})
    told = reap()
    assert "left alone: session" in told
    assert reason in told
    assert path.exists()


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "{}", '{"host": 1}', '{"queue_jobs": {"-u *": {}}}'],
)
def test_a_file_that_is_no_sessions_is_reported(
    reap: Callable[..., str], run_dir: Path, text: str
) -> None:
    path = run_dir / "sessions" / "odd.json"
    private_files.write_file(str(path), text)
    told = reap(status=1)
    assert f"left alone: session file {path}" in told
    assert f"none of the queue jobs in it is in the queue (qstat, squeue): rm {path}" in told
    assert path.exists()


def test_options_of_commands_cannot_be_smuggled_in_as_queue_jobs(run_dir: Path) -> None:
    noted = {"tasks": 1, "name": "gridengine", "time": 0.0}
    with pytest.raises(ValueError, match="no number"):
        SessionFile.read(session_file(run_dir, queue_jobs={"-u*": noted}))


def test_a_process_that_was_born_later_only_has_the_number_of_the_dead(
    reap: Callable[..., str], run_dir: Path
) -> None:
    with folder_of_a_program(run_dir) as folder:
        says(folder, start=RunFolder.read(str(folder)).program.start - 1)
        assert f"removed: folder {folder}" in reap()


@pytest.mark.parametrize("link", [False, True])
def test_a_session_process_that_takes_over_keeps_what_was_noted(tmp_path: Path, link: bool) -> None:
    path = tmp_path / "run" / "sessions" / "some.json"
    if link:
        (tmp_path / "run").symlink_to("scratch")
    Registry(str(path), os.getpid(), identity(os.environ)).add(["17.1", "17.2"], "gridengine")
    Registry(str(path), os.getpid(), identity(os.environ)).add(["17.2"], "")
    (array,) = SessionFile.read(path).arrays
    assert ("17", 2, "gridengine") == (array.job, array.tasks, array.name)


LOCAL = """
import gridengine
from tests import targets
with gridengine.schedulers.ProcessScheduler(2) as scheduler:
    jobs = [gridengine.Job(target=targets.sleep, args=(60.0,), scheduler=scheduler) for _ in "ab"]
    for job in jobs: job.start()
    gridengine.map(print, [], scheduler=scheduler)
    while any(job.pid is None for job in jobs): pass
    print("ready", flush=True)
    jobs[0].join()
"""


@contextlib.contextmanager
def program(text: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_a_supervisor_that_was_stopped_is_ended_with_its_workers(
    reap: Callable[..., str], run_dir: Path
) -> None:
    with program(LOCAL) as killed, program(LOCAL) as living:
        family = psutil.Process(killed.pid).children(recursive=True)
        others = psutil.Process(living.pid).children(recursive=True)
        (reaper,) = psutil.Process(killed.pid).children()
        (supervisor,) = reaper.children()
        supervisor.suspend()
        killed.kill()
        killed.wait()
        told = reap("--dry-run")
        assert f"would end: supervisor {reaper.pid}" in told
        assert 1 == told.count("would end")
        assert all(process.is_running() for process in family)
        told = reap()
        assert f"ended: supervisor {reaper.pid}" in told
        wait_until(lambda: not any(map(_runs, family)), what="all of it is gone")
        assert all(map(_runs, others))
        reap()
        assert all(map(_runs, others))


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


# -- what is left on a cluster ----------------------------------------------------------------


REMOTE = """
import sys, time
import gridengine
from gridengine.schedulers import GridEngineScheduler
from tests import targets
with GridEngineScheduler(max_workers=3, native=sys.argv[1] if sys.argv[1:] else None) as scheduler:
    jobs = [gridengine.Job(target=targets.sleep, args=(60.0,), scheduler=scheduler) for _ in "abc"]
    for job in jobs: job.start()
    (dispatcher,) = gridengine.dispatcher.registry.open_dispatchers()
    while len(dispatcher._state.staffing.queue_jobs) < 3: time.sleep(0.01)
    print("ready", flush=True)
    jobs[0].join()
"""
# Queue jobs that wait, whatever is free.
HELD = REMOTE.replace("sys.argv[1] if sys.argv[1:] else None", "'-h'")


@pytest.fixture
def on_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the nodes see, of this test alone."""
    home = Path("~/.gridengine-test-reap").expanduser()
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(home))
    monkeypatch.setenv("GRIDENGINE_PATIENCE", "3")
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "1")
    yield home
    shutil.rmtree(home, ignore_errors=True)


def in_queue(cluster: Cluster, jobs: set[str]) -> set[str]:
    return jobs & {str(job.job) for job in cluster.qstat() if "d" not in job.state}


def sessions(home: Path) -> dict[int, SessionFile]:
    files = [SessionFile.read(path) for path in (home / "sessions").glob("*.json")]
    return {session.program.pid: session for session in files}


def numbers(session: SessionFile) -> set[str]:
    return {array.job for array in session.arrays}


@pytest.mark.cluster
def test_queue_jobs_that_nobody_is_left_to_delete_are_deleted_and_no_others(
    cluster: Cluster, on_cluster: Path
) -> None:
    with program(HELD) as killed, program(HELD) as living:
        noted = sessions(on_cluster)
        left, others = noted[killed.pid], noted[living.pid]
        os.kill(left.session.pid, signal.SIGSTOP)
        killed.kill()
        os.kill(left.session.pid, signal.SIGKILL)
        killed.wait()
        wait_until(lambda: not left.session.lives(), what="the session is gone")
        assert numbers(left) == in_queue(cluster, numbers(left))

        told = command("reap", "--dry-run")
        assert told.returncode == 0, told
        for job in numbers(left):
            assert re.search(rf"would delete: queue job.*\b{job}\b", told.stdout)
        assert f"left alone: session {others.session.pid}" in told.stdout
        assert numbers(left) == in_queue(cluster, numbers(left))

        done = command("reap")
        assert done.returncode == 0, done
        assert "deleted: queue job" in done.stdout
        assert "removed: folder" in done.stdout
        wait_until(lambda: not in_queue(cluster, numbers(left)), what="they are deleted")
        assert not left.path.exists()
        assert numbers(others) == in_queue(cluster, numbers(others))
        assert others.path.exists()
        assert 1 == len(list(on_cluster.glob("run-*")))
        assert "nothing was left behind" in command("reap").stdout
    wait_until(lambda: not in_queue(cluster, numbers(others)), what="nothing is left")


@pytest.fixture
def held_job(cluster: Cluster) -> Iterator[str]:
    """A queue job of this user that waits."""
    submit = ["qsub", "-terse", "-h", "-b", "y", "-N", "gridengine", "-t", "1-3", "/bin/true"]
    job = cluster.run(submit).stdout.partition(".")[0].strip()
    yield job
    cluster.run(["qdel", job], check=False)


def noted(job: str, **changed: Any) -> dict[str, Any]:
    return {job: {"tasks": 3, "name": "gridengine", "time": time.time(), **changed}}


@pytest.mark.cluster
@pytest.mark.parametrize(
    "changed", [{"name": "another"}, {"name": ""}, {"time": 1e9}], ids=["name", "no name", "time"]
)
def test_a_queue_job_that_only_has_the_number_is_not_touched(
    cluster: Cluster, run_dir: Path, held_job: str, changed: dict[str, Any]
) -> None:
    jobs = noted(held_job, **changed)
    session = SessionFile.read(session_file(run_dir, queue_jobs=jobs))
    assert [] == leftovers.queue_of(session).in_queue(session)


@pytest.mark.cluster
def test_without_qdel_drmaa_deletes(
    cluster: Cluster, run_dir: Path, held_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = ge_commands.find
    known = lambda name, *rest: None if name == "qdel" else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(ge_commands, "find", known)
    path = session_file(run_dir, queue_jobs=noted(held_job))
    session = SessionFile.read(path)
    arrays = leftovers.queue_of(session).in_queue(session)
    assert [held_job] == [array.job for array in arrays]
    leftovers.queue_of(session).delete(session, arrays)
    wait_until(lambda: not in_queue(cluster, {held_job}), what="it is deleted")


@pytest.mark.cluster
def test_a_master_that_does_not_answer_is_told_and_the_file_stays(
    cluster: Cluster, reap: Callable[..., str], run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGE_QMASTER_PORT", "1")
    path = session_file(run_dir, queue_jobs=noted("1"))
    assert "left alone: session" in reap(status=1)
    assert path.exists()


@pytest.mark.cluster
def test_of_a_program_in_a_queue_job_on_another_host_the_batch_system_knows_whether_it_is_over(
    cluster: Cluster, reap: Callable[..., str], run_dir: Path, held_job: str
) -> None:
    driver = cluster.run(["qsub", "-terse", "-h", "-b", "y", "/bin/true"]).stdout.strip()
    folder = folder_of_a_dead_program(run_dir)
    says(folder, host="elsewhere")
    folder = folder.rename(run_dir / folder.name.replace(socket.gethostname(), "elsewhere"))
    program = RunFolder.read(str(folder)).program._asdict()
    processes = {"program": program, "session": {**program, "pid": program["pid"] + 1}}
    queue_jobs = noted(held_job)
    path = session_file(run_dir, driver=f"{driver}.1", queue_jobs=queue_jobs, **processes)

    assert f"its program's queue job {driver}.1 is not over" in reap()
    assert {held_job} == in_queue(cluster, {held_job})
    assert folder.exists()

    cluster.run(["qdel", driver])
    wait_until(lambda: not in_queue(cluster, {driver}), what="the program's queue job is over")
    assert "deleted: queue job" in reap()
    wait_until(lambda: not in_queue(cluster, {held_job}), what="its queue jobs are deleted")
    assert not path.exists()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("environ", "driver"),
    [
        ({}, ""),
        ({"JOB_ID": "17", "SGE_TASK_ID": "undefined"}, "17.1"),
        ({"JOB_ID": "17", "SGE_TASK_ID": "3"}, "17.3"),
        ({"JOB_ID": "someone else's"}, ""),
    ],
)
def test_a_session_notes_the_queue_job_in_which_its_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], driver: str
) -> None:
    for name in ("JOB_ID", "SGE_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "run" / "sessions" / "one.json"
    Registry(str(path), os.getpid(), identity(os.environ)).add(["7.1"], "gridengine")
    assert driver == SessionFile.read(path).driver
