"""Inside a `with` its scheduler is the default, and its jobs are waited for at its end."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from gridengine import Job, JobCancelled, JobDispatcher, JobState
from gridengine.schedulers import ProcessScheduler, best_available, current

from ..waiting import wait_until


def test_the_innermost_with_of_this_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "process")
    outer, inner = ProcessScheduler(1), ProcessScheduler(1)
    seen = []
    with outer, inner, inner:
        assert current() is inner
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
        assert JobDispatcher().scheduler is inner
        inner.__exit__(None, None, None)
        assert current() is inner
        inner.__enter__()
    assert current() is best_available()
    assert seen == [best_available()]


def test_two_that_end_in_another_order_leave_the_right_one() -> None:
    one, other = ProcessScheduler(1), ProcessScheduler(1)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert current() is other
    other.__exit__(None, None, None)


def test_leaving_waits_for_jobs_but_not_for_daemons() -> None:
    with ProcessScheduler(2):
        job = Job(target=time.sleep, args=(0.2,))
        daemon = Job(target=time.sleep, args=(600,), daemon=True)
        for each in (daemon, job):
            each.start()
    assert (job.state, daemon.state) == (JobState.FINISHED, JobState.CANCELLED)


def test_an_exception_cancels_and_says_how_many(caplog: pytest.LogCaptureFixture) -> None:
    jobs = [Job(target=time.sleep, args=(600,)) for _ in range(3)]

    def start_and_fail() -> None:
        with ProcessScheduler(1):
            for job in jobs:
                job.start()
            raise LookupError

    with pytest.raises(LookupError):
        start_and_fail()
    assert [JobState.CANCELLED] * 3 == [job.state for job in jobs]
    assert "3 jobs that were not over are cancelled" in caplog.text


def clear_up(folder: str) -> None:
    (Path(folder) / "runs").touch()
    try:
        time.sleep(600)
    finally:
        (Path(folder) / "cleared up").touch()


def test_closing_lets_what_runs_clear_up_and_says_to_what_waits_why(tmp_path: Path) -> None:
    scheduler = ProcessScheduler(1)
    runs = Job(target=clear_up, args=(str(tmp_path),), scheduler=scheduler)
    waits = Job(target=abs, args=(1,), scheduler=scheduler)
    runs.start()
    wait_until((tmp_path / "runs").exists, what="the job runs")
    waits.start()
    scheduler.close()
    assert (tmp_path / "cleared up").exists()
    assert (runs.state, runs.exitcode) == (JobState.CANCELLED, -15)
    assert isinstance(waits.exception, JobCancelled)
    assert "was closed before the job was over" in str(waits.exception)


def test_a_job_that_does_not_end_when_it_is_asked_to_is_killed_after_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_GRACE", "0.2")

    def deaf(folder: str) -> None:
        (Path(folder) / "runs").touch()
        while True:
            try:
                time.sleep(600)
            except SystemExit:
                (Path(folder) / "asked").touch()

    with ProcessScheduler(1) as scheduler:
        job = Job(target=deaf, args=(str(tmp_path),))
        job.start()
        wait_until((tmp_path / "runs").exists, what="the job runs")
        began = time.monotonic()
        job.terminate()
        job.join(20)
        assert job.state is JobState.CANCELLED
        assert time.monotonic() - began >= 0.2
        assert (tmp_path / "asked").exists()
    assert scheduler.max_workers == 1


def ends_by_itself(path: Path) -> int:
    """Ends well when it is asked to end."""
    asked = []
    signal.signal(signal.SIGTERM, lambda signum, _: asked.append(signum))
    path.touch()
    while not asked:
        time.sleep(0.01)
    return os.getpid()


def test_what_comes_after_a_job_that_ends_by_itself_when_it_is_asked_to_is_not_killed_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDENGINE_GRACE", "0.2")

    def takes_longer_than_the_grace() -> int:
        time.sleep(0.5)
        return os.getpid()

    with ProcessScheduler(1):
        job = Job(target=ends_by_itself, args=(tmp_path / "runs",))
        job.start()
        wait_until((tmp_path / "runs").exists, what="the job runs")
        later = Job(target=takes_longer_than_the_grace)
        later.start()
        job.terminate()
        # In the same worker, which has never been asked to end.
        assert later.result == job.result
        assert later.attempts == 1


def test_the_next_one_that_is_terminated_has_a_grace_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDENGINE_GRACE", "1")

    def clears_up(path: Path) -> int:
        number = ends_by_itself(path)
        time.sleep(0.5)
        return number

    with ProcessScheduler(1):
        first = Job(target=ends_by_itself, args=(tmp_path / "first",))
        first.start()
        wait_until((tmp_path / "first").exists, what="the first job runs")
        began = time.monotonic()
        first.terminate()
        second = Job(target=clears_up, args=(tmp_path / "second",))
        second.start()
        wait_until((tmp_path / "second").exists, what="the second job runs")
        wait_until(lambda: time.monotonic() - began > 0.6, what="most of the grace is over")
        second.terminate()
        assert first.result == second.result
