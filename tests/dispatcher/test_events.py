"""Observers of a real dispatcher."""

from __future__ import annotations

import threading

import pytest

import gridengine
from gridengine import Job
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.ledger.events import (
    DispatcherEvent,
    JobsOver,
    JobsStarted,
    JobsSubmitted,
    WorkerJoined,
)
from gridengine.schedulers import ProcessScheduler
from gridengine.states import JobState

from .. import targets
from ..waiting import wait_until


def test_an_observer_hears_of_a_job_from_its_start_to_its_end() -> None:
    heard: list[DispatcherEvent] = []
    threads: set[str] = set()

    def observer(event: DispatcherEvent) -> None:
        heard.append(event)
        threads.add(threading.current_thread().name)

    with ProcessScheduler(1) as scheduler:
        dispatcher_for(scheduler).observe(observer)
        job = Job(target=targets.square, args=(3,), name="nine", scheduler=scheduler)
        job.start()
        assert job.result == 9
        wait_until(lambda: any(isinstance(e, JobsOver) for e in heard), what="its end is told")
    of_the_job = [
        event for event in heard if isinstance(event, (JobsSubmitted, JobsStarted, JobsOver))
    ]
    assert [[row.name for row in event.jobs] for event in of_the_job] == [["nine"]] * 3
    (joined,) = (event for event in heard if isinstance(event, WorkerJoined))
    (_, started, over) = of_the_job
    assert isinstance(started, JobsStarted)
    assert isinstance(over, JobsOver)
    assert (started.host, started.pid) == (joined.host, joined.pid) == (job.host, job.pid)
    assert (over.jobs[0].state, over.jobs[0].failures) == (JobState.FINISHED, 0)
    assert threads == {"gridengine"}


def test_an_observer_that_fails_harms_nobody_and_is_not_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[DispatcherEvent] = []
    others: list[DispatcherEvent] = []

    def observer(event: DispatcherEvent) -> None:
        asked.append(event)
        raise RuntimeError("of the observer")

    with ProcessScheduler(1) as scheduler:
        dispatcher_for(scheduler).observe(observer)
        dispatcher_for(scheduler).observe(others.append)
        assert gridengine.map(targets.square, range(100), scheduler=scheduler)[-1] == 99 * 99
    assert len(asked) == 1
    assert len(others) > 3
    assert "has failed" in caplog.text
    assert "of the observer" in caplog.text
