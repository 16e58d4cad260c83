"""The sessions of Slurm on the real one, and what its users are told."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import DeathCause, Job, JobDied
from gridengine.schedulers import SlurmScheduler, best_available
from gridengine.schedulers.events import Delayed, Ended, Notice, Refused
from gridengine.schedulers.slurm.session import SlurmSession

from ... import targets
from ...cluster import SlurmCluster
from ...waiting import wait_until
from ..conftest import Talk

Open = Callable[..., Talk]

pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True)
def healthy(slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Slurm in which all is well, before and after."""
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    slurm.heal()
    yield
    slurm.heal()


@pytest.fixture(params=["without accounting", "with accounting"])
def accounting(request: pytest.FixtureRequest, slurm: SlurmCluster) -> Iterator[bool]:
    """A Slurm that keeps accounts, and one that does not."""
    wanted = request.param == "with accounting"
    with slurm.accounting() if wanted else contextlib.nullcontext():
        yield wanted


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Open]:
    """Opens a session with a scheduler made of the arguments."""
    talks: list[Talk] = []

    def open_talk(**options: Any) -> Talk:
        logs = tmp_path / "logs"
        logs.mkdir(exist_ok=True)
        talks.append(Talk(SlurmScheduler(**options).open(), logs))
        return talks[-1]

    yield open_talk
    for made in talks:
        made.session.close()


# -- queue jobs --------------------------------------------------------------------------------


def test_queue_jobs_are_submitted_run_and_end(talk: Open) -> None:
    one = talk()
    one.start("echo $SLURM_ARRAY_JOB_ID.$SLURM_ARRAY_TASK_ID; pwd", 3)
    for name in one.submitted(3):
        end = one.ended(name).end
        assert (0, DeathCause.EXITED) == (end.exitcode, end.cause)
        assert f"{name}\n/\n" == (one.logs / f"{name}.log").read_text()


def test_an_array_of_which_the_controller_says_nothing_for_long_is_submitted_once(
    talk: Open, slurm: SlurmCluster
) -> None:
    one = talk()
    one.start("exit 0")
    one.ended(*one.submitted())
    with slurm.silent_slurmctld():
        one.start("sleep 60", 2)
        one.hear(Delayed)
    names = one.submitted(3, timeout=60)[1:]
    assert {f"{each.job}.{each.task}" for each in slurm.squeue()} == set(names)


def test_arguments_arrive_as_they_are(talk: Open) -> None:
    odd = ["a  b", "q\"'$HOME", "ü", "-l", "\\", "*", "a,b;c", "", "x", "%A"]
    one = talk()
    script = "import sys; print(sys.argv[1:])"
    one.session.start(
        1, ["/usr/bin/python3", "-c", script, *odd], 1, name="", resources={}, logs=str(one.logs)
    )
    [name] = one.submitted()
    one.ended(name)
    assert f"{odd}\n" == (one.logs / f"{name}.log").read_text()


def test_hosts_can_be_left_out(talk: Open, slurm: SlurmCluster) -> None:
    left_out, wanted = (node.name for node in slurm.nodes)
    one = talk()
    options: dict[str, Any] = {"name": "", "resources": {}, "logs": str(one.logs)}
    one.session.start(1, ["/bin/hostname"], 6, **options, avoid=[left_out])
    for name in one.submitted(6):
        one.ended(name)
        assert (one.logs / f"{name}.log").read_text() == f"{wanted}\n"


@pytest.mark.parametrize(
    ("script", "exitcode", "cause"),
    [
        ("exit 7", 7, DeathCause.EXITED),
        ("kill -SEGV $$", -11, DeathCause.CRASHED),
        ("kill -KILL $$", -9, DeathCause.KILLED),
    ],
    ids=["exit-7", "SIGSEGV", "SIGKILL"],
)
def test_the_end_says_what_happened(
    talk: Open, script: str, exitcode: int, cause: DeathCause
) -> None:
    one = talk()
    one.start(script)
    [name] = one.submitted()
    end = one.explained(name)
    assert (exitcode, cause) == (end.exitcode, end.cause)
    assert end.detail.startswith("Slurm: state FAILED")


def test_a_queue_job_over_its_memory_says_so(talk: Open, accounting: bool) -> None:
    one = talk(memory="50M")
    one.start("exec /usr/bin/python3 -c 'import time; x = bytearray(10**9); time.sleep(60)'")
    [name] = one.submitted()
    end = one.explained(name)
    assert DeathCause.OUT_OF_MEMORY is end.cause, end
    assert 50 * 1024**2 == end.requested_memory
    assert "memory: peak" in end.advice


@pytest.mark.parametrize(
    "accounting",
    ["without accounting", pytest.param("with accounting", marks=pytest.mark.slow)],
    indirect=True,
)
def test_a_queue_job_that_somebody_cancels_was_killed(
    talk: Open, slurm: SlurmCluster, accounting: bool
) -> None:
    one = talk()
    one.start("exec sleep 60", 2)
    one.submitted(2)
    [first, _] = wait_until(lambda: len(slurm.running()) == 2 and slurm.running(), what="both run")
    slurm.delete(first)
    end = one.explained(first)
    assert DeathCause.KILLED is end.cause
    assert "cancelled" in end.detail
    assert 1 == len(one.hear(Ended))


@pytest.mark.parametrize(
    "accounting",
    ["without accounting", pytest.param("with accounting", marks=pytest.mark.slow)],
    indirect=True,
)
def test_the_queue_jobs_of_a_lost_node_are_known_as_that(
    talk: Open, slurm: SlurmCluster, accounting: bool
) -> None:
    one = talk()
    one.start("exec sleep 300")
    [name] = one.submitted()
    [job] = wait_until(lambda: [j for j in slurm.squeue() if j.node], what="it runs")
    (node,) = [node for node in slurm.nodes if node.name == job.node]
    slurm.switch_off(node)
    end = one.ended(name, timeout=60).end
    assert DeathCause.NODE_LOST is end.cause, end


def test_running_and_pending_queue_jobs_are_stopped(talk: Open, slurm: SlurmCluster) -> None:
    one = talk()
    one.start("exec sleep 60", 12)
    names = one.submitted(12)
    wait_until(lambda: len(slurm.running()) == 8, what="some run")
    running = slurm.running()
    pending = sorted(set(names) - set(running))
    one.session.stop([pending[0], running[0]])
    for name in (pending[0], running[0]):
        assert one.ended(name).end.cause is DeathCause.KILLED
    one.session.close()
    wait_until(lambda: not slurm.squeue(), what="the queue is empty")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"partition": "nowhere"}, "partition"),
        ({"memory": "900G"}, "[Mm]emory|configuration"),
    ],
    ids=["partition", "memory"],
)
def test_what_can_never_be_granted_is_refused(
    talk: Open, request_: dict[str, Any], said: str
) -> None:
    one = talk(**request_)
    one.start("true")
    [refused] = one.hear(Refused)
    assert re.search(said, refused.reason), refused


# -- a Slurm in trouble ------------------------------------------------------------------------


def test_a_controller_that_is_away_is_waited_for(talk: Open, slurm: SlurmCluster) -> None:
    one = talk()
    one.start("exec sleep 60")
    [name] = one.submitted()
    slurm.stop_slurmctld()
    one.start("exec sleep 60")
    one.hear(Notice, timeout=60)
    slurm.start_slurmctld()
    later = one.submitted(2, timeout=60)[1]
    one.session.stop([name, later])
    wait_until(lambda: not slurm.squeue(), what="all deleted")


def test_a_session_process_that_dies_is_replaced(talk: Open, slurm: SlurmCluster) -> None:
    one = talk()
    one.start("exec sleep 1; exit 5", 2)
    names = one.submitted(2)
    assert isinstance(one.session, SlurmSession)
    os.kill(one.session.process_id, signal.SIGKILL)
    one.hear(Notice)
    assert [0, 0] == [one.ended(name).end.exitcode for name in names]


def test_jobs_run_while_the_controller_is_away(slurm: SlurmCluster) -> None:
    with SlurmScheduler(max_workers=2) as scheduler:
        assert [1, 4] == gridengine.map(targets.square, [1, 2], scheduler=scheduler, chunksize=1)
        slurm.stop_slurmctld(crash=True)
        assert [9, 16] == gridengine.map(targets.square, [3, 4], scheduler=scheduler, chunksize=1)
        slurm.start_slurmctld()
    # Not in the queue: an end of which it is told while it comes back a controller may learn only
    # minutes later, when it misses the job.
    wait_until(lambda: not any(map(slurm.pids, slurm.nodes)), what="nothing is left on the nodes")


Trouble = Callable[[SlurmCluster], AbstractContextManager[None]]


@contextlib.contextmanager
def drained(slurm: SlurmCluster) -> Iterator[None]:
    """Has no node start anything."""
    for node in slurm.nodes:
        slurm.drain(node)
    yield


@contextlib.contextmanager
def full(slurm: SlurmCluster) -> Iterator[None]:
    """Has somebody else take all cores."""
    options = ["--array=1-8", "--output=/dev/null", "--wrap=sleep 600"]
    slurm.run(["sbatch", *options], user=slurm.user, cwd="/")
    wait_until(lambda: len(slurm.running()) == 8, what="the others run")
    yield


@contextlib.contextmanager
def limited(slurm: SlurmCluster) -> Iterator[None]:
    """Has the site let a user run nothing now."""
    with slurm.accounting(MaxJobs="0"):
        yield


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (drained, "drain|DRAIN|down"),
        (full, "Resources|Priority|taken|free"),
        pytest.param(limited, "limit", marks=pytest.mark.slow),
    ],
    ids=["nodes-drained", "full", "limit"],
)
def test_a_job_says_what_its_queue_job_waits_for(
    slurm: SlurmCluster, trouble: Trouble, reason: str
) -> None:
    with trouble(slurm), SlurmScheduler() as scheduler:
        job = Job(target=abs, args=(-3,), scheduler=scheduler)
        job.start()
        said = rf"waits for a worker: 1 queue job waits: .*({reason})"
        wait_until(lambda: re.match(said, job.state_reason), what="the reason", timeout=30)
        job.kill()
        job.join()


def test_above_a_limit_of_submitted_jobs_it_waits_and_the_map_is_done(
    slurm: SlurmCluster, caplog: pytest.LogCaptureFixture
) -> None:
    with slurm.accounting(MaxSubmitJobs="2"), SlurmScheduler(max_workers=4) as scheduler:
        got = gridengine.map(targets.square, range(8), scheduler=scheduler, chunksize=1)
        assert [x * x for x in range(8)] == got
    assert "AssocMaxSubmitJobLimit" in caplog.text


# -- what users are told -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("accounting", ["without accounting", "with accounting"], indirect=True)
def test_a_call_over_its_memory_dies_of_that(slurm: SlurmCluster, accounting: bool) -> None:
    def hungry() -> None:
        import time

        kept = bytearray(10**9)
        time.sleep(60)
        del kept

    with SlurmScheduler(memory="200M", memory_max="200M") as scheduler:
        job = Job(target=hungry, scheduler=scheduler, retries=0)
        job.start()
        died = job.exception
    assert isinstance(died, JobDied)
    assert DeathCause.OUT_OF_MEMORY is died.death.cause, died


def test_best_available_is_slurm_where_there_is_no_grid_engine(
    slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SGE_ROOT", "DRMAA_LIBRARY_PATH", "GRIDENGINE_SCHEDULER"):
        monkeypatch.delenv(name, raising=False)
    with best_available() as scheduler:
        assert isinstance(scheduler, SlurmScheduler)


def test_slurm_can_be_named(slurm: SlurmCluster) -> None:
    code = """
import socket, gridengine
print(*set(gridengine.map(lambda _: socket.gethostname(), range(4), scheduler="slurm")))
"""
    told = slurm.run([sys.executable, "-c", code])
    assert told.stdout.split()
    assert {node.name for node in slurm.nodes}.issuperset(told.stdout.split())
