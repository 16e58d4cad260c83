"""A batch of jobs ends as one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridengine import Job, JobCancelled, JobDispatcher, JobState
from gridengine.schedulers import ProcessScheduler

from .. import targets
from ..waiting import wait_until

#: Jobs that wait. To cancel each by a look at all that wait takes a minute.
MANY = 20_000

#: Seconds that it may take to cancel so many, on a host that does much else.
SOON = 10.0


@pytest.fixture
def lonely() -> Iterator[ProcessScheduler]:
    with ProcessScheduler(1) as scheduler:
        yield scheduler


def run_for_ever(path: str) -> None:
    Path(path).touch()
    time.sleep(600)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """One that runs for ever, and many that wait for it."""
    first = Job(target=run_for_ever, args=(str(tmp_path / "runs"),))
    return [first, *(Job(target=targets.give, args=(number,)) for number in range(MANY))]


def leave(dispatcher: JobDispatcher) -> None:
    with pytest.raises(KeyError), dispatcher:
        raise KeyError


@pytest.mark.parametrize("end", [JobDispatcher.close, leave])
def test_what_was_not_joined_is_cancelled_at_once(
    lonely: ProcessScheduler, jobs: list[Job], tmp_path: Path, end: Callable[..., Any]
) -> None:
    dispatcher = JobDispatcher(lonely)
    dispatcher.dispatch(jobs)
    wait_until((tmp_path / "runs").exists, what="the first job runs")
    began = time.monotonic()
    end(dispatcher)
    for job in jobs:
        job.join(20)
    assert time.monotonic() - began < SOON
    assert {JobState.CANCELLED} == {job.state for job in jobs}
    assert {type(job.exception) for job in jobs} == {JobCancelled}
    assert {0} == {job.attempts for job in jobs[1:]}
    # Its worker was killed; another one is there for what comes next.
    job = Job(target=targets.give, args=(1,), scheduler=lonely)
    job.start()
    assert 1 == job.result


def test_one_that_cannot_be_started_cancels_those_before_it(
    lonely: ProcessScheduler, jobs: list[Job]
) -> None:
    started = Job(target=targets.give, scheduler=lonely, args=(1,))
    started.start()
    dispatcher = JobDispatcher(lonely)
    with pytest.raises(RuntimeError, match="only be started once"):
        dispatcher.dispatch([*jobs, started, Job(target=targets.give)])
    for job in jobs:
        job.join(20)
    assert {JobState.CANCELLED} == {job.state for job in jobs}
    # What was not of this batch is left alone.
    assert 1 == started.result


def test_what_is_over_stays_as_it_ended(lonely: ProcessScheduler, jobs: list[Job]) -> None:
    done = Job(target=targets.give, args=(1,))
    closed = Job(target=targets.give, args=(2,))
    dispatcher = JobDispatcher(lonely)
    dispatcher.dispatch([done, closed, *jobs])
    done.join()
    closed.join()
    closed.close()
    dispatcher.close()
    jobs[-1].join(20)
    assert (JobState.FINISHED, 1) == (done.state, done.result)
    assert JobState.CANCELLED is jobs[-1].state
