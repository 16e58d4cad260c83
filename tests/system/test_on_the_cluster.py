"""What a real Grid Engine adds to the contract: limits, queues, users, names, the end."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import DeathCause, Job, JobDied
from gridengine.schedulers import GridEngineScheduler, best_available

from .. import targets
from ..cluster import Cluster
from ..waiting import wait_until

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def healthy(cluster: Cluster) -> Iterator[None]:
    """Each test finds the cluster in order, and leaves no queue job."""
    yield
    wait_until(lambda: not cluster.qstat(), what="the queue is empty")


def run(program: str, *args: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *args],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_example_runs_on_the_cluster() -> None:
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert not done.stderr
    assert "GridEngineScheduler()" in done.stdout
    assert "on ge-node" in done.stdout


def test_a_thousand_jobs_share_eight_slots() -> None:
    with GridEngineScheduler() as scheduler:
        jobs = [Job(target=targets.sleep, args=(0.02,), scheduler=scheduler) for _ in range(1000)]
        for job in jobs:
            job.start()
        assert [0.02] * 1000 == [job.result for job in jobs]
    workers = Counter((job.host, job.pid) for job in jobs)
    assert {"ge-node1", "ge-node2"} >= {host for host, _ in workers}
    assert 1 < len(workers) <= 8


COLD_START = """
import time
begin = time.perf_counter()
import gridengine
from tests import targets
with gridengine.schedulers.best_available() as scheduler:
    got = gridengine.map(targets.square, range(200), scheduler=scheduler)
    assert got == [x * x for x in range(200)]
    print(repr(scheduler), time.perf_counter() - begin)
"""


@pytest.mark.alone
def test_two_hundred_calls_are_done_within_three_seconds_of_a_cold_start() -> None:
    out, err = run(COLD_START).communicate(timeout=60)
    scheduler, seconds = out.split()
    assert "GridEngineScheduler()" == scheduler, err
    assert float(seconds) < 3.0


def test_large_arguments_are_sent_once_though_the_network_is_slower_than_the_workers() -> None:
    """What is on its way is not taken back, to be sent to somebody else."""
    with GridEngineScheduler() as scheduler:
        warm = [Job(target=targets.sleep, args=(0.2,), scheduler=scheduler) for _ in range(16)]
        for job in warm:
            job.start()
        for job in warm:
            job.join()
        data = os.urandom(8_000_000)
        jobs = [Job(target=len, args=(data,), scheduler=scheduler) for _ in range(64)]
        for job in jobs:
            job.start()
        assert [len(data)] * 64 == [job.result for job in jobs]
    assert sum(job.attempts for job in jobs) <= 64 + 16


def test_requests_are_seen_in_the_queue(cluster: Cluster, tmp_path: Path) -> None:
    path = str(tmp_path / "runs")
    with GridEngineScheduler(
        queue=cluster.queue,
        slots=2,
        parallel_environment=cluster.parallel_environment,
        project=cluster.project,
        hosts=cluster.nodes[1].name,
        h_rt="00:10:00",
        native="-p -7",
    ) as scheduler:
        job = Job(
            target=targets.touch_and_wait,
            args=(path,),
            scheduler=scheduler,
            resources={"h_vmem": 2**31},
        )
        job.start()
        wait_until((tmp_path / "runs").exists, what="the job runs")
        (queue_job,) = cluster.qstat()
        told = cluster.run(["qstat", "-j", str(queue_job.job)]).stdout
        assert job.host == cluster.nodes[1].name
        job.kill()
        job.join()
    for words in ("h_rt=600", "h_vmem=2", "smp range: 2", "all.q", "priority:", "-7"):
        assert words in told
    assert f"project:                    {cluster.project}" in told
    # Every user of the cluster can read that; no key is in it, and no argument but a path.
    assert "key" not in told.lower()


def _say_and_sleep(seconds: float) -> None:
    print("last words")
    targets.sleep(seconds)


def test_a_job_over_its_h_rt_is_reported_as_that() -> None:
    with GridEngineScheduler(h_rt=2) as scheduler:
        job = Job(target=_say_and_sleep, args=(60.0,), scheduler=scheduler)
        job.start()
        died = job.exception
    assert isinstance(died, JobDied)
    assert died.death.cause is DeathCause.OVER_TIME
    # Nobody is left who could send it, and it is what has come; on a slow node that is nothing.
    assert job.output == died.death.output
    assert "h_rt" in died.death.advice
    assert "60.0" == died.death.input
    assert 2 <= died.death.wall_time < 10
    assert died.death.host.startswith("ge-node")


def test_a_job_over_its_h_vmem_is_reported_as_that() -> None:
    with GridEngineScheduler(h_vmem="1G") as scheduler:
        job = Job(target=bytearray, args=(2**32,), scheduler=scheduler)
        job.start()
        error = job.exception
    assert isinstance(error, MemoryError)
    note = " ".join(error.__notes__)  # type: ignore[attr-defined]
    assert "of 1G of address space (h_vmem" in note


def test_jobs_of_different_requests_get_workers_of_their_own(cluster: Cluster) -> None:
    with GridEngineScheduler() as scheduler:
        jobs = [
            Job(target=os.getpid, scheduler=scheduler, resources={"hostname": node.name})
            for node in cluster.nodes
            for _ in range(3)
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
    assert ["ge-node1"] * 3 + ["ge-node2"] * 3 == [job.host for job in jobs]


def test_an_impossible_request_fails_its_jobs_and_says_why() -> None:
    with GridEngineScheduler() as scheduler:
        wrong = Job(target=os.getpid, scheduler=scheduler, resources={"no_such_thing": 1})
        right = Job(target=os.getpid, scheduler=scheduler)
        wrong.start()
        right.start()
        with pytest.raises(gridengine.SchedulerError, match="no_such_thing"):
            _ = wrong.result
        assert right.result


def test_a_queue_in_error_is_reported_and_the_jobs_run_once_it_is_mended(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A prolog that fails puts the queue into state E, and the queue job back.
    cluster.run(["qconf", "-mattr", "queue", "prolog", "/bin/false", cluster.queue])
    try:
        with GridEngineScheduler() as scheduler, caplog.at_level(logging.WARNING, "gridengine"):
            job = Job(target=targets.square, args=(3,), scheduler=scheduler)
            job.start()
            wait_until(
                lambda: "is in error" in caplog.text,
                what="the state of the queue is told",
                timeout=60,
            )
            assert job.is_alive()
            cluster.run(["qconf", "-mattr", "queue", "prolog", "NONE", cluster.queue])
            cluster.run(["qmod", "-c", "*"])
            assert 9 == job.result
    finally:
        cluster.run(["qconf", "-mattr", "queue", "prolog", "NONE", cluster.queue])
        cluster.heal()


def test_queue_jobs_that_cannot_start_fail_the_jobs_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder that this host alone sees: a node cannot write there what queue jobs print.
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", f"{tmp_path}/run")
    try:
        with GridEngineScheduler() as scheduler:
            job = Job(target=targets.square, args=(3,), scheduler=scheduler)
            job.start()
            with pytest.raises(gridengine.SchedulerError, match=r"did not start.*can't"):
                _ = job.result
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_is_said_each_time_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], check=True)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", f"{tmp_path}/run")
    try:
        with contextlib.suppress(OSError):
            (tmp_path / "full").write_bytes(bytes(100_000))
        with GridEngineScheduler() as scheduler:
            for _ in range(2):
                with pytest.raises(gridengine.SchedulerError, match=r"No space.*RUN_DIR"):
                    gridengine.map(targets.square, [3], scheduler=scheduler)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_more_queue_jobs_than_an_array_may_have_are_split(cluster: Cluster) -> None:
    with cluster.limited(max_aj_tasks="3"), GridEngineScheduler(max_workers=8) as scheduler:
        jobs = [Job(target=targets.sleep, args=(0.5,), scheduler=scheduler) for _ in range(16)]
        for job in jobs:
            job.start()
        assert [0.5] * 16 == [job.result for job in jobs]
        assert 3 < len({(job.host, job.pid) for job in jobs}) <= 8


def test_above_the_limit_of_jobs_per_user_it_waits_and_says_so(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_LINGER", "0.2")
    with (
        cluster.limited(max_u_jobs="1"),
        GridEngineScheduler() as scheduler,
        caplog.at_level(logging.WARNING, "gridengine"),
    ):
        first = Job(target=targets.sleep, args=(1.0,), scheduler=scheduler)
        first.start()
        wait_until(lambda: first.pid, what="the first runs")
        second = Job(target=targets.square, args=(3,), scheduler=scheduler, resources={"h_rt": 600})
        second.start()
        assert (1.0, 9) == (first.result, second.result)
    assert "1" in caplog.text
    assert "per user" in caplog.text


def test_a_run_goes_on_without_the_master(cluster: Cluster) -> None:
    """Workers and dispatcher do not need it."""
    with GridEngineScheduler(max_workers=4) as scheduler:
        jobs = [Job(target=targets.sleep, args=(0.02,), scheduler=scheduler) for _ in range(200)]
        for job in jobs:
            job.start()
        wait_until(lambda: jobs[0].pid, what="the first runs")
        cluster.stop_qmaster()
        assert [0.02] * 200 == [job.result for job in jobs]
        assert len({job.pid for job in jobs}) > 1
        cluster.start_qmaster()
    # It waits for the nodes' word on queue jobs that have ended without it.
    cluster.heal()


def test_a_host_name_that_leads_to_loopback_does_not_matter() -> None:
    assert socket.gethostbyname(socket.gethostname()).startswith("127.")
    with GridEngineScheduler(max_workers=1) as scheduler:
        assert [9] == gridengine.map(targets.square, [3], scheduler=scheduler)


@pytest.mark.parametrize("host", ["10.77.0.1", "eth0"])
def test_an_address_or_an_interface_can_be_chosen(host: str) -> None:
    jobs = [Job(target=targets.square, args=(3,))]
    with (
        GridEngineScheduler(max_workers=1) as scheduler,
        gridengine.JobDispatcher(scheduler, host=host, ports="54000-54010") as dispatcher,
    ):
        dispatcher.dispatch(jobs)
        assert [9] == dispatcher.join()


def test_two_schedulers_work_in_one_program() -> None:
    with (
        GridEngineScheduler(max_workers=2) as one,
        GridEngineScheduler(hosts="ge-node2", max_workers=1) as other,
    ):
        jobs = [
            Job(target=targets.square, args=(i,), scheduler=(one, other)[i % 2]) for i in range(20)
        ]
        for job in jobs:
            job.start()
        assert [i * i for i in range(20)] == [job.result for job in jobs]
        assert {"ge-node2"} == {job.host for job in jobs[1::2]}


def test_the_best_scheduler_can_be_chosen_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, kind in (("process", "ProcessScheduler"), ("gridengine", "GridEngineScheduler")):
        monkeypatch.setenv("GRIDENGINE_SCHEDULER", name)
        with best_available() as scheduler:
            assert kind == type(scheduler).__name__


INTERRUPTED = """
import sys
import gridengine
from tests import targets
gridengine.map(targets.sleep, [60.0] * 20, scheduler=gridengine.schedulers.GridEngineScheduler())
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_queue_job_outlives_its_program(cluster: Cluster, signum: int) -> None:
    program = run(INTERRUPTED)
    wait_until(lambda: any(job.state == "r" for job in cluster.qstat()), what="a queue job runs")
    program.send_signal(signum)
    _, err = program.communicate(timeout=30)
    assert program.returncode != 0
    if signum == signal.SIGINT:
        assert "KeyboardInterrupt" in err
    wait_until(lambda: not cluster.qstat(), what="the queue is empty", timeout=15)
    # The folder that it could not remove is removed by the next program.
    with GridEngineScheduler(max_workers=1) as scheduler:
        assert [9] == gridengine.map(targets.square, [3], scheduler=scheduler)


def test_an_ordinary_user_can_use_it(cluster: Cluster, everybodys_python: Path) -> None:
    program = (
        "import getpass, gridengine\n"
        "with gridengine.schedulers.best_available() as scheduler:\n"
        "    who = gridengine.map(lambda x: getpass.getuser(), [1], scheduler=scheduler)\n"
        "    print(scheduler, who)"
    )
    done = cluster.run([str(everybodys_python), "-c", program], user=cluster.user, cwd="/")
    assert f"GridEngineScheduler() ['{cluster.user}']" == done.stdout.strip()
    home = Path(pwd.getpwnam(cluster.user).pw_dir)
    assert 0o700 == (home / ".gridengine").stat().st_mode & 0o777
