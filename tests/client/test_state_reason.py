"""What a job says of why it is in its state, on every scheduler."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job, JobDispatcher, JobState
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)

from ..conftest import warm
from ..waiting import wait_until


@pytest.fixture(
    scope="module", params=["process", pytest.param("gridengine", marks=pytest.mark.cluster)]
)
def one(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler of each sort with one worker."""
    if request.param == "process":
        scheduler: Scheduler = ProcessScheduler(1)
    else:
        request.getfixturevalue("cluster")
        scheduler = GridEngineScheduler(max_workers=1)
    with scheduler:
        warm(scheduler, 1)
        yield scheduler


def until(path: str) -> None:
    """Waits for a file; not for ever, should the test have failed."""
    end = time.monotonic() + 5.0
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.01)


def fail() -> None:
    """Raises an exception of two lines."""
    raise ValueError("no\nsecond line")


def die_once(path: str) -> int:
    """Kills its process, the first time."""
    if not os.path.exists(path):
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return 1


def started(scheduler: Scheduler, target: object, *args: object, **how: object) -> Job:
    """Returns a job that was started."""
    job = Job(target=target, args=args, scheduler=scheduler, **how)  # type: ignore[call-overload]
    job.start()
    return job  # type: ignore[no-any-return]


def test_who_waits_says_how_many_are_before_it(one: Scheduler, tmp_path: Path) -> None:
    go = str(tmp_path / "go")
    jobs = [started(one, until, go) for _ in range(4)]
    said = "waits for a worker: the only one is busy, 2 calls are before it"
    wait_until(lambda: jobs[-1].state_reason.startswith(said), what="it is behind them")
    last = jobs[-1]
    assert jobs[0].state_reason == ""
    assert "because" in last._repr_html_()
    assert "waits for a worker" in last._repr_html_().replace("\xa0", " ")
    Path(go).touch()
    for job in jobs:
        job.join()
        assert job.state_reason == ""


def test_who_waits_in_a_batch_is_named_with_the_reason_when_time_is_up(
    one: Scheduler, tmp_path: Path
) -> None:
    with JobDispatcher(one) as dispatcher:
        jobs = [Job(target=until, args=(str(tmp_path / "go"),), name=f"j{n}") for n in (1, 2)]
        dispatcher.dispatch(jobs)
        with pytest.raises(TimeoutError, match=r"^2 of 2 jobs are not over"):
            dispatcher.join(timeout=0.1)
        (tmp_path / "go").touch()
        dispatcher.join()


@pytest.mark.parametrize("inline", [False, True])
def test_a_failure_is_said_in_a_line(one: Scheduler, inline: bool) -> None:
    job = started(InlineScheduler() if inline else one, fail)
    assert isinstance(job.exception, ValueError)
    assert job.state_reason == "ValueError: no"


def test_a_job_that_was_taken_back_says_so(one: Scheduler, tmp_path: Path) -> None:
    running, waiting = (started(one, until, str(tmp_path / "never")) for _ in range(2))
    waiting.terminate()
    waiting.join()
    assert waiting.state_reason.startswith("JobCancelled: ")
    running.kill()
    running.join()
    assert running.state_reason.startswith("JobCancelled: ")


def test_a_death_is_said_in_a_line(one: Scheduler) -> None:
    job = started(one, os._exit, 3, retries=0)
    job.join()
    assert job.state is JobState.DIED
    assert "died: exited (exit status 3)" in job.state_reason
    assert "\n" not in job.state_reason


def test_a_job_that_is_tried_again_says_why_while_it_runs(one: Scheduler, tmp_path: Path) -> None:
    def twice(path: str) -> None:
        die_once(path)
        until(path + ".go")

    died = str(tmp_path / "died")
    job = started(one, twice, died)
    wait_until(lambda: job.attempts == 2, what="the second attempt")
    said = wait_until(lambda: job.state_reason, what="the reason")
    assert said.startswith("tried again (attempt 2): its worker on ")
    assert "was lost: crashed" in said
    Path(died + ".go").touch()
    job.join()
    assert job.state_reason == ""


def test_before_the_start_and_with_a_value_there_is_nothing_to_say() -> None:
    job = Job(target=abs, args=(-1,), scheduler=InlineScheduler())
    assert job.state_reason == ""
    job.start()
    assert job.result == 1
    assert job.state_reason == ""


def test_a_map_that_has_workers_says_nothing_of_them_when_time_is_up(
    one: Scheduler, tmp_path: Path
) -> None:
    with pytest.raises(TimeoutError, match=r"0 calls were$"):
        gridengine.map(until, [str(tmp_path / "never")], scheduler=one, timeout=0.2)
