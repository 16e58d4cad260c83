"""However the program ends, nothing that it has started outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from .. import kinds
from ..cluster import BatchCluster
from ..waiting import wait_until
from . import crashes

ROOT = Path(__file__).parents[2]

#: Seconds in which all must be gone: on this host, and on a cluster.
GONE_HERE = 2.0
GONE_THERE = 15.0

#: Seconds of silence after which a worker on a cut-off node ends, and what that takes besides.
PATIENCE = 4.0
SLACK = 2.0

#: ``FOLDER SCHEDULER END``: two busy workers, each with a subprocess in a session of its own
#: and a daemon; the program then ends in some way, or waits to be ended.
PROGRAM = """
import multiprocessing, os, resource, sys, time
import gridengine
from tests import kinds
from tests.system import crashes
from tests.system.crashes import Attempts

folder, kind, end = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
attempts = Attempts(folder + "/attempts")
scheduler = kinds.made(kind, 2)
names = [folder + "/a", folder + "/b"]
jobs = [
    gridengine.Job(
        target=crashes.start_a_subprocess_and_wait,
        args=(attempts, name),
        scheduler=scheduler,
        daemon=True,
    )
    for name in names
]
for job in jobs:
    job.start()
for name in names:
    crashes.wait_for(name)
if end == "a fork lives on":
    # It has a copy of all that the program has open.
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    with open(folder + "/fork", "w") as file:
        file.write(str(child.pid))
crashes.stop_waiting(folder + "/ready")
if end == "the end":
    pass
elif end == "an exception":
    raise LookupError("nobody catches it")
elif end == "sys.exit in a with":
    with scheduler:
        sys.exit(3)
elif end == "os._exit":
    os._exit(3)
elif end == "os.abort":
    os.abort()
elif end == "os.exec":
    os.execvp("sleep", ["sleep", "1000"])
else:
    for job in jobs:
        job.join()
"""


class Program:
    """A program at work, and the processes that it is to blame for."""

    def __init__(self, folder: Path, kind: str, end: str = "", **environ: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folder), kind, end],
                cwd=ROOT,
                env={
                    **os.environ,
                    "TMPDIR": str(folder),
                    # What a killed program leaves there, the next one removes: not here.
                    "GRIDENGINE_RUN_DIR": str(folder / "run"),
                    **environ,
                },
                stdout=log,
                stderr=log,
            )
        self.ours: list[int] = []
        self.started: list[int] = []

    def wait_until_busy(self) -> None:
        ready = self.folder / "ready"
        wait_until(lambda: ready.exists() or self.process.poll(), what="its jobs run", timeout=40)
        assert ready.exists(), self.log.read_text()
        for name in "ab":
            worker, supervisor, *started = map(int, (self.folder / name).read_text().split())
            self.ours += [worker, supervisor]
            self.started += started

    def left(self) -> Left:
        """The processes that are still there."""
        pids = [*self.ours, *self.started]
        return Left(f"{pid} {name_of(pid)}" for pid in pids if name_of(pid))

    def reap(self) -> None:
        for pid in [self.process.pid, *self.ours, *self.started]:
            if name_of(pid):
                kill(pid)
        self.process.wait()


class Left(list[str]):
    """True if nothing is left, and shown by `wait_until` if something is."""

    def __bool__(self) -> bool:
        return len(self) == 0


def name_of(pid: int) -> str:
    """The name of a process, empty if it is no more."""
    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else process.name()
    except psutil.NoSuchProcess:
        return ""


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a program, which is ended with the test, whatever becomes of it."""
    programs: list[Program] = []

    def begin(*args: str, **environ: str) -> Program:
        programs.append(Program(tmp_path, *args, **environ))
        programs[-1].wait_until_busy()
        return programs[-1]

    yield begin
    for program in programs:
        program.reap()


@pytest.fixture(params=kinds.BEHIND_THE_QUEUE)
def kind(request: pytest.FixtureRequest) -> str:
    """Each batch system in turn."""
    name: str = request.param
    return name


@pytest.fixture
def harmed(kind: str, request: pytest.FixtureRequest) -> Iterator[BatchCluster]:
    """Its cluster, to do harm to: it is healed before and after."""
    cluster = kinds.brought_up(kind, request)
    cluster.heal()
    yield cluster
    cluster.heal()


SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("the end", 0),
        ("an exception", 1),
        ("sys.exit in a with", 3),
        ("os._exit", 3),
        ("os.abort", -signal.SIGABRT),
        ("SIGINT", -signal.SIGINT),
        ("SIGTERM", -signal.SIGTERM),
        ("SIGKILL", -signal.SIGKILL),
    ],
)
def test_local_workers_and_all_that_they_started_end_with_the_program(
    begin: Callable[..., Program], end: str, status: int
) -> None:
    program = begin("process", end)
    if end in SIGNALS:
        program.process.send_signal(SIGNALS[end])
    assert status == program.process.wait(timeout=10), program.log.read_text()
    wait_until(program.left, what="all are gone", timeout=GONE_HERE)


def test_local_workers_end_though_a_fork_of_the_program_lives_on(
    begin: Callable[..., Program], tmp_path: Path
) -> None:
    program = begin("process", "a fork lives on")
    fork = int((tmp_path / "fork").read_text())
    program.process.kill()
    program.process.wait(timeout=10)
    try:
        wait_until(program.left, what="all are gone", timeout=GONE_HERE)
        assert name_of(fork)
    finally:
        kill(fork)


def test_local_workers_end_when_the_program_becomes_another_one(
    begin: Callable[..., Program],
) -> None:
    program = begin("process", "os.exec")
    wait_until(lambda: name_of(program.process.pid) == "sleep", what="it is another program")
    wait_until(program.left, what="all are gone", timeout=GONE_HERE)


WAITS = """
import sys
import gridengine
from tests.system import crashes
from tests.system.crashes import Attempts
folder, daemon = sys.argv[1:]
scheduler = gridengine.schedulers.ProcessScheduler(1)
job = gridengine.Job(
    target=crashes.run_until,
    args=(Attempts(folder + "/attempts"), folder + "/go on"),
    scheduler=scheduler,
    daemon=daemon == "daemon",
)
job.start()
crashes.wait_for(folder + "/attempts")
print("the end", flush=True)
"""


@pytest.mark.parametrize("daemon", ["daemon", "no daemon"])
def test_only_a_job_that_is_no_daemon_is_waited_for(tmp_path: Path, daemon: str) -> None:
    attempts = crashes.Attempts(tmp_path / "attempts")
    program = subprocess.Popen(
        [sys.executable, "-c", WAITS, str(tmp_path), daemon],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    with program:
        assert program.stdout is not None
        assert b"the end\n" == program.stdout.readline()
        if daemon == "daemon":
            assert 0 == program.wait(timeout=10)
        else:
            # It is there for as long as the job is, however long that may be.
            with pytest.raises(subprocess.TimeoutExpired):
                program.wait(timeout=0.5)
            assert name_of(attempts.noted()[0].pid)
            crashes.stop_waiting(str(tmp_path / "go on"))
            assert 0 == program.wait(timeout=10)
    (attempt,) = attempts.noted()
    wait_until(lambda: not name_of(attempt.pid), what="the worker is gone", timeout=GONE_HERE)


def test_local_jobs_go_on_while_the_program_is_stopped(tmp_path: Path) -> None:
    """As by Ctrl-Z: for longer than the patience, and nobody is taken for dead."""
    attempts = crashes.Attempts(tmp_path / "attempts")
    program = subprocess.Popen(
        [sys.executable, "-c", WAITS, str(tmp_path), "no daemon"],
        cwd=ROOT,
        env={
            **os.environ,
            "TMPDIR": str(tmp_path),
            "GRIDENGINE_HEARTBEAT": "0.2",
            "GRIDENGINE_PATIENCE": "1",
        },
        stdout=subprocess.PIPE,
    )
    with program:
        assert program.stdout is not None
        assert b"the end\n" == program.stdout.readline()
        program.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        wait_until(lambda: time.monotonic() - stopped > 2, what="the patience is over")
        assert name_of(attempts.noted()[0].pid)
        program.send_signal(signal.SIGCONT)
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(timeout=1)
        crashes.stop_waiting(str(tmp_path / "go on"))
        assert 0 == program.wait(timeout=10)
    assert 1 == len(attempts.noted())


# -- on a cluster -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["an exception", "SIGTERM", "SIGKILL"])
def test_queue_jobs_end_with_the_program(
    kind: str, harmed: BatchCluster, begin: Callable[..., Program], end: str
) -> None:
    program = begin(kind, end)
    if end in SIGNALS:
        program.process.send_signal(SIGNALS[end])
    program.process.wait(timeout=15)
    wait_until(lambda: not harmed.queue_jobs(), what="the queue is empty", timeout=GONE_THERE)
    wait_until(program.left, what="all are gone", timeout=GONE_THERE)


def test_queue_jobs_end_within_their_patience_when_the_programs_link_is_gone(
    kind: str, harmed: BatchCluster, begin: Callable[..., Program]
) -> None:
    program = begin(kind, GRIDENGINE_HEARTBEAT="0.5", GRIDENGINE_PATIENCE=str(PATIENCE))
    harmed.cut(harmed.submit_host)
    cut = time.monotonic()
    wait_until(program.left, what="all are gone", timeout=PATIENCE + SLACK)
    assert time.monotonic() - cut > PATIENCE / 2
    program.process.kill()
    harmed.mend(harmed.submit_host)
    for node in harmed.nodes:
        # One that has lost its master may seem well for a while, and takes no queue jobs.
        harmed.stop_daemon(node)
        harmed.start_daemon(node)
    harmed.heal()
    wait_until(lambda: not harmed.queue_jobs(), what="the queue is empty", timeout=GONE_THERE)
