"""Failures of jobs that nobody asks about: told once, to `gridengine.excepthook`."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import gridengine
from gridengine import ExceptHookArgs, Job, JobState
from gridengine.client import unretrieved
from gridengine.schedulers import ProcessScheduler

from ..waiting import wait_until

Told = list[ExceptHookArgs]


def fail(text: str) -> None:
    raise ValueError(text)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """What the hook is told; all of it is known when the test ends."""
    heard: Told = []
    monkeypatch.setattr(gridengine, "excepthook", heard.append)
    yield heard
    wait_until(lambda: not unretrieved._unretrieved, what="nothing is left to be told")


def failed(scheduler: ProcessScheduler, **how: object) -> Job:
    job = Job(target=fail, args=("no",), scheduler=scheduler, **how)  # type: ignore[arg-type]
    job.start()
    wait_until(lambda: job.state is JobState.FAILED, what="the job has failed")
    return job


def test_a_failure_is_told_when_the_job_is_joined_and_not_again(
    laptop: ProcessScheduler, told: Told
) -> None:
    job = failed(laptop, name="mine")
    assert told == []
    job.join()
    job.join()
    [args] = told
    assert (args.exc_type, str(args.exc_value), args.job) == (ValueError, "no", job)
    assert (args.name, args.host) == ("mine", job.host)
    assert args.exc_value is job.exception


@pytest.mark.parametrize("attribute", ["exception", "result"])
def test_whoever_asks_for_the_exception_is_told_nothing_besides(
    laptop: ProcessScheduler, told: Told, attribute: str
) -> None:
    job = failed(laptop)
    with contextlib.suppress(ValueError):
        getattr(job, attribute)
    job.join()
    del job
    assert told == []


@pytest.mark.parametrize("end", [lambda jobs: jobs.clear(), lambda jobs: jobs[0].close()])
def test_a_failure_of_a_job_that_is_let_go_of_is_told_in_a_thread_of_its_own(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch, end: object
) -> None:
    told: list[tuple[ExceptHookArgs, str]] = []
    monkeypatch.setattr(
        gridengine, "excepthook", lambda args: told.append((args, threading.current_thread().name))
    )
    jobs = [failed(laptop)]
    end(jobs)  # type: ignore[operator]
    [(args, thread)] = wait_until(lambda: told, what="the failure is told")
    assert (str(args.exc_value), args.job, thread) == ("no", None, "gridengine-excepthook")


def test_one_that_fails_after_it_was_forgotten_is_told_of_and_the_hook_may_use_jobs(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[int]] = []
    # What waits for the dispatcher's thread must not be in it.
    monkeypatch.setattr(
        gridengine, "excepthook", lambda _: told.append(gridengine.map(abs, [-1], scheduler=laptop))
    )
    Job(target=fail, args=("no",), scheduler=laptop).start()
    assert wait_until(lambda: told, what="the failure is told") == [[1]]


def test_neither_exits_nor_what_the_program_has_ended_are_failures(
    laptop: ProcessScheduler, told: Told
) -> None:
    exited = Job(target=sys.exit, args=("text",), scheduler=laptop)
    ended = Job(target=time.sleep, args=(600,), scheduler=laptop)
    for job in (exited, ended):
        job.start()
    ended.terminate()
    for job in (exited, ended):
        job.join()
    assert (exited.exitcode, ended.state, told) == (1, JobState.CANCELLED, [])


def test_a_hook_that_raises_harms_nobody_and_is_printed(
    laptop: ProcessScheduler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gridengine, "excepthook", lambda _: 1 / 0)
    failed(laptop).join()
    said = capsys.readouterr().err
    assert said.startswith("Exception in gridengine.excepthook:")
    assert "ZeroDivisionError" in said


def test_what_is_printed_names_the_job_and_the_host_and_has_the_remote_traceback(
    laptop: ProcessScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    job = failed(laptop, name="mine")
    job.join()
    said = capsys.readouterr().err
    assert said.startswith(f"Exception in job 'mine' on {os.uname().nodename}:\n")
    assert "in fail\n" in said
    assert "ValueError: no\n" in said


def test_a_batch_that_is_joined_has_been_asked_about(laptop: ProcessScheduler, told: Told) -> None:
    dispatcher = gridengine.JobDispatcher(laptop)
    dispatcher.dispatch(Job(target=fail, args=(text,)) for text in "ab")
    with pytest.raises(ValueError, match="a"):
        dispatcher.join()
    assert told == []
