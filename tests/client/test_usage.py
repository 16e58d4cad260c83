"""What jobs use, with all that they start, and those that do nothing: on every scheduler."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import DeathCause, Job, JobDied
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.ledger.events import CallStalled, Sample, WorkersSampled
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from ..conftest import warm
from ..waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a process")

MIB = 1 << 20
ROOT = Path(__file__).parent.parent.parent
SCHEDULERS = ["process", pytest.param("gridengine", marks=pytest.mark.cluster)]


def opened(request: pytest.FixtureRequest, **settings: str) -> Iterator[Scheduler]:
    if request.param == "process":
        scheduler: Scheduler = ProcessScheduler(1)
    else:
        request.getfixturevalue("cluster")
        scheduler = GridEngineScheduler(max_workers=1)
    with scheduler:
        # They are read when it is opened, and others of this module have their own.
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(f"GRIDENGINE_{name}", value)
            warm(scheduler, 1)
        yield scheduler


@pytest.fixture(scope="module", params=SCHEDULERS)
def sampling(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler of each sort whose worker is looked at twice a second."""
    yield from opened(request, SAMPLE_INTERVAL="0.5")


@pytest.fixture(scope="module", params=SCHEDULERS)
def ending(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """One that ends what does nothing for a second."""
    yield from opened(request, STALLED_AFTER="1", ON_STALL="retry")


def until_sampled(scheduler: Scheduler, job: Job, file: Path, least: int) -> None:
    """Lets a job end when it was seen twice with so much memory."""
    seen: list[Sample] = []

    def hear(event: object) -> None:
        if isinstance(event, WorkersSampled):
            seen.extend(s for s in event.samples if s.pid == job.pid and s.rss > least)

    stop = dispatcher_for(scheduler).observe(hear)
    try:
        # The first one is that of before, which newcomers are told.
        wait_until(lambda: len(seen) > 2, what=f"{job} is looked at", timeout=40)
        file.touch()
        job.join(30)
    finally:
        stop()


def holds_until(nbytes: int, file: str) -> int:
    held = b"1" * nbytes
    while not os.path.exists(file):
        time.sleep(0.01)
    return len(held)


def starts_one_that_holds_until(nbytes: int, file: str) -> None:
    code = f"import os\nheld = b'1' * {nbytes}\nwhile not os.path.exists({file!r}): pass"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_memory_of_a_job_is_sampled(sampling: Scheduler, tmp_path: Path) -> None:
    file = tmp_path / "enough"
    job = Job(target=holds_until, args=(50 * MIB, str(file)), scheduler=sampling)
    job.start()
    until_sampled(sampling, job, file, 50 * MIB)
    usage = job.usage
    assert usage is not None
    assert usage.samples >= 2
    # At first it had only to be unpacked.
    assert 0 < usage.tree_mean_memory <= usage.tree_peak_memory < 200 * MIB
    assert usage.tree_peak_memory > 50 * MIB
    assert usage.tree_cpu >= usage.cpu > 0


def test_what_a_job_starts_counts_as_its_own(sampling: Scheduler, tmp_path: Path) -> None:
    file = tmp_path / "enough"
    target = starts_one_that_holds_until
    job = Job(target=target, args=(300 * MIB, str(file)), scheduler=sampling)
    job.start()
    until_sampled(sampling, job, file, 300 * MIB)
    usage = job.usage
    assert usage is not None
    # Its own process waits.
    assert usage.tree_cpu > 10 * usage.cpu
    assert usage.peak_memory < 300 * MIB < usage.tree_peak_memory < 500 * MIB


def holds_and_is_killed(nbytes: int, file: str) -> None:
    holds_until(nbytes, file)
    os.kill(os.getpid(), signal.SIGSEGV)


def test_it_is_known_what_a_job_had_used_that_died(sampling: Scheduler, tmp_path: Path) -> None:
    file = tmp_path / "enough"
    args = 50 * MIB, str(file)
    job = Job(target=holds_and_is_killed, args=args, scheduler=sampling, retries=0)
    job.start()
    until_sampled(sampling, job, file, 50 * MIB)
    error = job.exception
    assert isinstance(error, JobDied)
    usage = job.usage
    assert usage is not None
    assert usage.wall > 0.4
    assert usage.samples >= 2
    assert usage.tree_peak_memory > 50 * MIB
    assert error.peak_memory >= usage.peak_memory > 50 * MIB
    assert error.cpu_time == max(usage.cpu, usage.tree_cpu)


# ---------------------------------------------------------------------- who does nothing


def waits_the_first_time(file: str) -> str:
    if not os.path.exists(file):
        Path(file).touch()
        time.sleep(600)
    return "done"


def test_a_job_that_does_nothing_is_ended_and_tried_again(
    ending: Scheduler, tmp_path: Path
) -> None:
    events: list[object] = []
    stop = dispatcher_for(ending).observe(events.append)
    job = Job(target=waits_the_first_time, args=(str(tmp_path / "once"),), scheduler=ending)
    job.start()
    assert job.result == "done"
    assert job.attempts == 2
    stop()
    [stalled] = [event for event in events if isinstance(event, CallStalled)]
    assert stalled.task == job.ident
    assert stalled.seconds >= 1


def test_one_that_shall_not_be_tried_again_dies_of_it(ending: Scheduler) -> None:
    job = Job(target=time.sleep, args=(600,), scheduler=ending, retries=0)
    job.start()
    error = job.exception
    assert isinstance(error, JobDied)
    assert error.cause is DeathCause.STALLED
    assert error.wall_time > 1


def waits_for_jobs() -> list[int]:
    # Its worker has nothing to do meanwhile, and neither have the others.
    with ProcessScheduler(1):
        return gridengine.map(slowly, range(2))


def slowly(number: int) -> int:
    time.sleep(1.5)
    return number


def test_one_that_waits_for_jobs_of_its_own_does_not_count(ending: Scheduler) -> None:
    # Theirs would be ended, if they did not say otherwise.
    env = {"GRIDENGINE_STALLED_AFTER": None}
    job = Job(target=waits_for_jobs, scheduler=ending, retries=0, env=env)
    job.start()
    assert job.result == [0, 1]


@pytest.fixture
def warning(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    monkeypatch.setenv("GRIDENGINE_STALLED_AFTER", "1")
    with ProcessScheduler(1) as scheduler:
        yield scheduler


def test_it_is_said_which_job_does_nothing_and_the_job_goes_on(
    warning: Scheduler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gridengine")
    file = tmp_path / "enough"
    job = Job(target=waits_until, args=(str(file),), name="lazy", scheduler=warning)
    job.start()
    wait_until(lambda: "'lazy' has used less than 1 %" in caplog.text, what="it is said")
    assert f"(process {job.pid}); its stack() says where it is" in caplog.text
    assert "in waits_until" in job.stack()
    file.touch()
    job.join(30)
    assert (job.exitcode, job.attempts) == (0, 1)


def waits_until(file: str) -> None:
    while not os.path.exists(file):
        time.sleep(0.1)


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "usage.py"],
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    [mine, own] = re.findall(r"memory: (\d+) MiB, its own process (\d+) MiB", done.stdout)[0]
    assert int(own) < 300_000_000 >> 20 < int(mine)
