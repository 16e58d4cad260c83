"""The Grid Engine sessions on the real cluster. The tests run on its submit host."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gridengine.schedulers import best_available
from gridengine.schedulers.events import Ended, Notice, Refused, Waiting
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
from gridengine.states import DeathCause

from ...cluster import Cluster
from ...waiting import wait_until
from ..conftest import Talk, process_of

Open = Callable[..., Talk]

pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True)
def healthy(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cluster in which all is well, before and after."""
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    cluster.heal()
    yield
    cluster.heal()


def test_queue_jobs_are_submitted_run_and_end(talk: Open) -> None:
    one = talk()
    one.start("echo $JOB_ID.$SGE_TASK_ID; pwd", 3)
    for name in one.submitted(3):
        end = one.ended(name).end
        assert (0, DeathCause.EXITED) == (end.exitcode, end.cause)
        assert f"{name}\n/\n" == (one.logs / f"{name}.log").read_text()


def test_arguments_arrive_as_they_are(talk: Open) -> None:
    odd = ["a  b", "q\"'$HOME", "ü", "-l", "\\", "*", "a,b;c", "", "x"]
    one = talk()
    script = "import sys; print(sys.argv[1:])"
    one.session.start(
        1, ["/usr/bin/python3", "-c", script, *odd], 1, name="", resources={}, logs=str(one.logs)
    )
    [name] = one.submitted()
    one.ended(name)
    assert f"{odd}\n" == (one.logs / f"{name}.log").read_text()


def test_hosts_can_be_left_out(talk: Open) -> None:
    one = talk(hosts="ge-node1|ge-node2")
    logs = str(one.logs)
    options: dict[str, Any] = {"name": "", "resources": {}, "logs": logs, "avoid": ["ge-node1"]}
    one.session.start(1, ["/bin/hostname"], 6, **options)
    for name in one.submitted(6):
        one.ended(name)
        assert (one.logs / f"{name}.log").read_text() == "ge-node2\n"


@pytest.mark.parametrize(
    ("script", "exitcode", "cause", "detail"),
    [
        ("exit 7", 7, DeathCause.EXITED, "exit_status 7"),
        ("kill -SEGV $$", -11, DeathCause.CRASHED, "139 (Segmentation fault)"),
        ("kill -KILL $$", -9, DeathCause.KILLED, "137 (Killed)"),
    ],
)
def test_the_end_says_what_happened(
    talk: Open, script: str, exitcode: int, cause: DeathCause, detail: str
) -> None:
    one = talk()
    one.start(script)
    [name] = one.submitted()
    end = one.explained(name)
    assert (exitcode, cause) == (end.exitcode, end.cause)
    assert detail in end.detail
    assert end.detail.startswith("qacct: ")


def test_a_queue_job_over_its_h_rt_says_so(talk: Open) -> None:
    one = talk(h_rt=2)
    one.start("exec sleep 60")
    [name] = one.submitted()
    end = one.explained(name)
    assert (-9, DeathCause.OVER_TIME) == (end.exitcode, end.cause)
    assert "qmaster enforced h_rt" in end.detail
    assert re.fullmatch(r"h_rt: ran \d+ s of 2 s; ask for more", end.advice)
    assert 2 <= end.wall_time <= 10


_HUNGRY = """
import time
kept = []
try:
    while True:
        kept.append(bytearray(2**20))
except MemoryError:
    kept.pop()
    time.sleep(2.5)  # the memory is sampled once a second
    raise
"""


def test_a_queue_job_at_its_h_vmem_says_so(talk: Open, tmp_path: Path) -> None:
    (tmp_path / "hungry.py").write_text(_HUNGRY)
    one = talk(h_vmem="100M")
    one.start(f"exec /usr/bin/python3 {tmp_path}/hungry.py")
    [name] = one.submitted()
    end = one.ended(name).end
    assert DeathCause.OUT_OF_MEMORY is end.cause, end
    assert 100 * 1024**2 == end.requested_memory
    assert re.fullmatch(r"h_vmem: peak \d+(\.\d+)?M of 100M; ask for more", end.advice)


def test_running_and_pending_queue_jobs_are_stopped(talk: Open, cluster: Cluster) -> None:
    one = talk()
    one.start("exec sleep 60", 12)
    names = one.submitted(12)
    running = wait_until(lambda: _names(cluster, "r"), what="some run")
    pending = sorted(set(names) - running)
    one.session.stop([pending[0], min(running)])
    for name in (pending[0], min(running)):
        assert one.ended(name).end.cause is DeathCause.KILLED
    assert 2 == len(one.hear(Ended, 2))
    one.session.close()
    wait_until(lambda: not cluster.qstat(), what="the queue is empty")


@pytest.mark.parametrize("state", ["r", "qw"])
def test_a_queue_job_that_somebody_deletes_was_killed(
    talk: Open, cluster: Cluster, state: str
) -> None:
    one = talk(native="-h" if state == "qw" else None)
    one.start("exec sleep 60")
    [name] = one.submitted()
    if state == "r":
        wait_until(lambda: _names(cluster, "r"), what="it runs")
    cluster.run(["qdel", name])
    assert one.ended(name).end.cause is DeathCause.KILLED


def test_a_folder_that_cannot_be_written_is_told_in_the_masters_words(talk: Open) -> None:
    one = talk()
    one.logs = Path("/proc/nowhere")
    one.start("true")
    [name] = one.submitted()
    end = one.ended(name).end
    assert end.exitcode is None
    assert "can't open output file \"/proc/nowhere/" in end.detail
    assert "failed 26" in end.detail


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"queue": "nowhere.q"}, 'unknown queue "nowhere.q"'),
        ({"nothing": 1}, 'unknown resource "nothing"'),
        ({"project": "nowhere"}, 'project "nowhere" does not exist'),
        ({"slots": 100, "parallel_environment": "smp"}, "no suitable queues"),
        ({"slots": 2, "parallel_environment": "nowhere"}, '"nowhere" does not exist'),
        ({"hosts": "nowhere"}, 'can\'t resolve hostname "nowhere"'),
        ({"max_worker": 2}, "did you mean 'max_workers'?"),
        ({"h_rt": "2h"}, "h_rt is '2h'; it takes '00:30:00'"),
        ({"h_vmem": "2GB"}, "h_vmem is '2GB'; it takes '4G'"),
    ],
)
def test_what_can_never_be_granted_is_refused(
    talk: Open, options: dict[str, object], reason: str
) -> None:
    one = talk(**options)
    one.start("true")
    assert reason in one.hear(Refused)[0].reason


def test_requests_are_visible_and_granted(talk: Open, cluster: Cluster) -> None:
    node = cluster.nodes[1].name
    one = talk(
        queue=cluster.queue,
        slots=2,
        parallel_environment=cluster.parallel_environment,
        project=cluster.project,
        hosts=[node],
        native="-p -7",
        h_rt=600,
        h_vmem="1G",
    )
    one.start("exec sleep 60", h_rt="00:05:00")
    [name] = one.submitted()
    told = cluster.run(["qstat", "-j", name.partition(".")[0]]).stdout
    assert f"h_rt=300,h_vmem=1G,hostname={node}" in told.replace("h_rt=00:05:00", "h_rt=300")
    assert re.search(r"hard_queue_list:\s+all\.q", told)
    assert re.search(r"parallel environment:\s+smp range: 2", told)
    assert re.search(r"project:\s+research", told)
    assert re.search(r"priority:\s+-7", told)
    assert re.search(r"job_name:\s+test", told)
    where = wait_until(lambda: _names(cluster, "r") and cluster.qstat()[0].queue, what="it runs")
    assert f"{cluster.queue}@{node}" == where


@pytest.mark.slow
def test_queues_in_error_are_told_of(talk: Open, cluster: Cluster) -> None:
    with _prolog(cluster, "/nowhere/prolog"):
        # Through DRMAA such jobs just fail; through qsub they take the queues with them.
        cluster.run(["qsub", "-b", "y", "-o", "/dev/null", "-j", "y", "-t", "1-8", "true"])
        wait_until(lambda: all(map(cluster.queue_state, cluster.nodes)), what="queues in error")
    one = talk()
    one.start("true")
    [waiting, *_] = one.hear(Waiting, timeout=60)
    assert re.search(r"waits: queue all\.q is in error on \S+, \S+ \(queue", waiting.text)


def test_a_full_cluster_is_told_of(talk: Open, cluster: Cluster) -> None:
    first, second = talk(), talk()
    first.start("exec sleep 60", 2 * cluster.slots)
    first.submitted(2 * cluster.slots)
    wait_until(lambda: len(_names(cluster, "r")) == 2 * cluster.slots, what="all slots are taken")
    second.start("true")
    [waiting, *_] = second.hear(Waiting, timeout=60)
    assert "waits" in waiting.text
    assert "all slots of queue all.q on ge-node1, ge-node2 are taken" == waiting.reason


def test_a_session_process_that_dies_is_replaced(talk: Open, cluster: Cluster) -> None:
    one = talk()
    one.start("exec sleep 4", 2)
    one.start("exit 3")
    names = one.submitted(3)
    os.kill(process_of(one.session), signal.SIGKILL)
    one.hear(Notice)
    ends = {name: one.ended(name).end for name in names}
    assert [0, 0, 3] == [ends[name].exitcode for name in names]


@pytest.mark.slow
def test_a_master_that_is_away_is_waited_for(talk: Open, cluster: Cluster) -> None:
    one = talk()
    one.start("exec sleep 60")
    [name] = one.submitted()
    cluster.stop_qmaster()
    one.start("exec sleep 60")
    one.hear(Notice)
    cluster.start_qmaster()
    later = one.submitted(2, timeout=60)[1]
    assert "answers again" in one.hear(Notice, 2)[1].text
    one.session.stop([name, later])
    wait_until(lambda: not _names(cluster, "r") and not _names(cluster, "qw"), what="all deleted")


_PROGRAM = """
import os, sys, time
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
session = GridEngineScheduler().open()
session.start(1, ["/bin/sleep", "60"], 12, name="x", resources={}, logs="/tmp")
while not session.events():
    time.sleep(0.01)
if "fork" in sys.argv and os.fork() == 0:
    time.sleep(30)
    os._exit(0)
print("submitted", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_when_the_program_is_killed_its_queue_jobs_are_deleted(cluster: Cluster, how: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert program.stdout is not None
    with program.stdout as told:
        assert told.readline()
    wait_until(lambda: _names(cluster, "r"), what="some run")
    program.kill()
    program.wait()
    try:
        wait_until(lambda: not cluster.qstat(), what="the queue is empty", timeout=15)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.Process().children(), what="no process is left")


def test_an_ordinary_user_can_do_it_too(cluster: Cluster, everybodys_python: Path) -> None:
    program = (
        "from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler\n"
        "print(GridEngineScheduler().probe())"
    )
    done = cluster.run(
        [str(everybodys_python), "-c", program], user=cluster.user, cwd="/", check=False
    )
    assert "SGE 8.1.9\n" == done.stdout, done.stderr


def test_best_available_is_the_grid_engine(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("GRIDENGINE_SCHEDULER", raising=False)
    caplog.set_level("INFO")
    with best_available() as scheduler:
        assert isinstance(scheduler, GridEngineScheduler)
        assert best_available() is scheduler
    assert "SGE 8.1.9" in caplog.text


def _names(cluster: Cluster, state: str) -> set[str]:
    return {f"{job.job}.{job.task}" for job in cluster.qstat() if job.state == state}


@contextlib.contextmanager
def _prolog(cluster: Cluster, program: str) -> Iterator[None]:
    cluster.run(["qconf", "-mattr", "queue", "prolog", program, cluster.queue])
    try:
        yield
    finally:
        cluster.run(["qconf", "-mattr", "queue", "prolog", "NONE", cluster.queue])
