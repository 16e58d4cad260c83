"""A Grid Engine by its commands alone, on the real cluster: no DRMAA library is to be found."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from gridengine.schedulers import best_available
from gridengine.schedulers.events import Ended, Refused, Stuck
from gridengine.schedulers.grid_engine import drmaa_library
from gridengine.schedulers.grid_engine.batch_system import command_system, ge_commands
from gridengine.schedulers.grid_engine.batch_system.command_system import CommandSystem
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
from gridengine.schedulers.queue_session.process.batch_system import Unreachable
from gridengine.schedulers.queue_session.process.messages import Submit
from gridengine.states import DeathCause

from ...cluster import Cluster
from ...waiting import wait_until
from ..conftest import Talk, process_of

Open = Callable[..., Talk]

pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True)
def healthy(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cluster in which all is well, before and after, and whose library is hidden."""
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", str(tmp_path / "hidden.so"))
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    cluster.heal()
    yield
    cluster.heal()


@pytest.fixture
def one(talk: Open) -> Talk:
    """A session."""
    return talk()


def test_it_is_what_programs_get_and_the_log_says_by_what(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRIDENGINE_SCHEDULER", raising=False)
    assert drmaa_library.find() is None
    with caplog.at_level(logging.INFO, "gridengine"), best_available() as made:
        assert isinstance(made, GridEngineScheduler)
    assert "whose master answers, by its commands" in caplog.text


def test_queue_jobs_run_and_end_as_by_drmaa(one: Talk) -> None:
    one.start("echo $JOB_ID.$SGE_TASK_ID; pwd", 3)
    for name in one.submitted(3):
        end = one.explained(name)
        assert (0, DeathCause.EXITED) == (end.exitcode, end.cause)
        assert f"{name}\n/\n" == (one.logs / f"{name}.log").read_text()


def test_arguments_arrive_as_they_are(one: Talk) -> None:
    odd = ["a  b", "q\"'$HOME", "ü", "-l", "\\", "*", "a,b;c", "", "x", "-t", "9"]
    script = "import sys; print(sys.argv[1:])"
    one.session.start(
        1, ["/usr/bin/python3", "-c", script, *odd], 1, name="", resources={}, logs=str(one.logs)
    )
    [name] = one.submitted()
    one.ended(name)
    assert f"{odd}\n" == (one.logs / f"{name}.log").read_text()


def test_the_session_process_loads_no_drmaa(one: Talk) -> None:
    one.start("exit 0")
    one.ended(one.submitted()[0])
    maps = Path(f"/proc/{process_of(one.session)}/maps").read_text()
    assert "python" in maps
    assert "libdrmaa" not in maps
    assert "jemalloc" not in maps


@pytest.mark.parametrize(
    ("script", "exitcode", "cause"),
    [("exit 7", 7, DeathCause.EXITED), ("kill -SEGV $$", -11, DeathCause.CRASHED)],
)
def test_how_it_ended_is_written_down(
    one: Talk, script: str, exitcode: int, cause: DeathCause
) -> None:
    one.start(script)
    end = one.explained(one.submitted()[0])
    assert (exitcode, cause) == (end.exitcode, end.cause)
    assert end.detail.startswith("qacct: ")


def test_a_queue_job_over_its_h_rt_says_so(talk: Open) -> None:
    one = talk(h_rt=2)
    one.start("exec sleep 60")
    end = one.explained(one.submitted()[0])
    assert end.cause is DeathCause.OVER_TIME


def test_one_that_somebody_deletes_is_missed_and_explained(one: Talk, cluster: Cluster) -> None:
    one.start("exec sleep 60", 2)
    first, second = one.submitted(2)
    wait_until(lambda: all("r" in job.state for job in cluster.qstat()), what="both run")
    cluster.run(["qdel", first])
    assert one.explained(first).cause is DeathCause.KILLED
    assert second not in {each.queue_job for each in one.heard if isinstance(each, Ended)}


def test_stopped_ones_end_and_those_already_over_are_passed_over(
    one: Talk, cluster: Cluster
) -> None:
    one.start("exit 0")
    (over,) = one.submitted()
    one.ended(over)
    one.start("exec sleep 60", 3)
    names = one.submitted(4)[1:]
    one.session.stop([over, *names])
    for name in names:
        assert one.ended(name).end.cause is DeathCause.KILLED
    wait_until(lambda: not cluster.qstat(), what="the queue is empty")


def test_what_can_never_be_granted_is_refused_in_the_masters_words(talk: Open) -> None:
    one = talk(h_vmme="1G")
    one.start("exit 0")
    (refused,) = one.hear(Refused)
    assert 'unknown resource "h_vmme"; did you mean' in refused.reason


def test_an_array_over_the_sites_limit_is_split(one: Talk, cluster: Cluster) -> None:
    with cluster.limited(max_aj_tasks=2):
        one.start("exit 0", 5)
        names = one.submitted(5)
        assert 3 <= len({name.partition(".")[0] for name in names})
        for name in names:
            one.ended(name)


def test_over_the_limit_of_a_user_it_waits(one: Talk, cluster: Cluster) -> None:
    with cluster.limited(max_u_jobs=1):
        one.start("sleep 1")
        one.start("exit 0")
        for name in one.submitted(2):
            one.ended(name)


def test_one_in_error_is_told_of(talk: Open) -> None:
    one = talk()
    one.logs = Path("/proc/nowhere")
    one.start("exit 0")
    (stuck,) = one.hear(Stuck)
    assert "/proc/nowhere" in stuck.reason
    one.session.stop(one.submitted())
    one.ended(one.submitted()[0])


def test_a_session_process_that_was_killed_is_replaced(one: Talk, tmp_path: Path) -> None:
    go = tmp_path / "go"
    one.start(f"while [ ! -e {go} ]; do sleep 0.1; done; exit 3")
    (name,) = one.submitted()
    before = process_of(one.session)
    psutil.Process(before).kill()
    wait_until(lambda: process_of(one.session) != before, what="a new one is there")
    go.touch()
    assert 3 == one.explained(name).exitcode


_KILLED = """
import sys, time
from pathlib import Path
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
logs = Path(sys.argv[1])
session = GridEngineScheduler().open()
session.start(1, ["/bin/sleep", "60"], 3, name="x", resources={}, logs=str(logs))
while not session.events():
    time.sleep(0.05)
print("ready", flush=True)
time.sleep(60)
"""


def test_queue_jobs_end_with_a_program_that_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, env=dict(os.environ)
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.kill()
    wait_until(lambda: not cluster.qstat(), what="the queue is empty", timeout=20)


_DEAF = """#!/bin/sh
case "$*" in *-terse*) {qsub} "$@" > /dev/null; exec sleep 60;; esac
exec {qsub} "$@"
"""


@pytest.fixture
def deaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandSystem:
    """A Grid Engine of whose qsub nothing is heard, though it submits."""
    find, script = ge_commands.find, tmp_path / "qsub"
    script.write_text(_DEAF.format(qsub=find("qsub")))
    script.chmod(0o755)
    found = lambda name, *rest: str(script) if name == "qsub" else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(ge_commands, "find", found)
    monkeypatch.setattr(command_system, "_SECONDS", 2.0)
    system = CommandSystem()
    system.open("")
    return system


def test_a_submission_of_which_nothing_was_heard_is_found_again(
    deaf: CommandSystem, cluster: Cluster
) -> None:
    order = Submit(1, ("/bin/sleep", "60"), 3, "x", "-h", os.devnull)
    with pytest.raises(Unreachable, match="qsub has not answered within 2 s"):
        deaf.submit(order, 3)
    names = deaf.submit(order, 2)
    assert [1, 2, 3] == [int(name.partition(".")[2]) for name in names]
    assert {name.partition(".")[0] for name in names} == {str(job.job) for job in cluster.qstat()}
    deaf.delete([*names, "999999.1"])
    assert not cluster.qstat()


def test_a_submission_of_which_nothing_was_heard_is_not_left_behind(
    deaf: CommandSystem, cluster: Cluster
) -> None:
    with pytest.raises(Unreachable):
        deaf.submit(Submit(1, ("/bin/sleep", "60"), 3, "x", "-h", os.devnull), 3)
    assert cluster.qstat()
    deaf.close()
    assert not cluster.qstat()
