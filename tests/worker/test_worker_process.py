"""What a supervisor knows of a worker."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from gridengine.worker import progress_page
from gridengine.worker.worker_process import WorkerProcess


@pytest.fixture
def sleeper(process: WorkerProcess) -> Iterator[subprocess.Popen[bytes]]:
    """The process itself, which does nothing."""
    with subprocess.Popen(["sleep", "60"]) as made:
        process.pid = made.pid
        yield made
        made.kill()


@pytest.fixture
def process() -> Iterator[WorkerProcess]:
    made = WorkerProcess(0)
    yield made
    made.close()


def test_a_job_gets_the_time_again_in_which_it_was_stopped(process: WorkerProcess) -> None:
    process.page.set_deadline(100.0)
    process.extend_deadline(30.0)
    process.extend_deadline(5.0)
    assert 135.0 == process.deadline
    # The next one was not stopped.
    process.page.set_deadline(200.0)
    assert 200.0 == process.deadline
    process.extend_deadline(7.0)
    assert 207.0 == process.deadline


def test_a_job_without_a_deadline_gets_none_for_having_been_stopped(
    process: WorkerProcess,
) -> None:
    process.extend_deadline(30.0)
    assert 0.0 == process.deadline
    process.page.set_deadline(50.0)
    assert 50.0 == process.deadline


def test_a_signal_reaches_it_until_it_goes_on_to_other_calls(
    process: WorkerProcess, sleeper: subprocess.Popen[bytes]
) -> None:
    process.page.claim(3, 2)
    assert not process.signal((0, 3), signal.SIGKILL)
    process.page.claim(5, 1)
    assert not process.signal((3, 5), signal.SIGKILL)
    assert process.signal((5, 7), signal.SIGTERM)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_it_is_killed_when_its_job_is_over_its_time(
    process: WorkerProcess, sleeper: subprocess.Popen[bytes]
) -> None:
    process.page.set_deadline(100.0)
    process.kill_if_due(99.0)
    assert process.reason == ""
    process.kill_if_due(100.0)
    assert process.reason == "timeout"
    assert sleeper.wait(10) == -signal.SIGKILL


def test_a_job_that_ends_at_its_limit_does_not_take_the_next_one_with_it(
    process: WorkerProcess, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    process.page.set_deadline(100.0)
    # The worker goes on between the supervisor's look and its order to wait.
    monkeypatch.setattr(progress_page, "_fence", lambda: process.page.set_deadline(0))
    process.kill_if_due(100.0)
    assert process.reason == ""
    sleeper.terminate()
    assert sleeper.wait(10) == -signal.SIGTERM


def test_it_is_killed_for_a_job_that_is_deaf(
    process: WorkerProcess, sleeper: subprocess.Popen[bytes]
) -> None:
    process.page.claim(3, 1)
    process.ended, process.kill_at = (3, 4), 100.0
    process.kill_if_due(100.0)
    assert sleeper.wait(10) == -signal.SIGKILL


def test_it_is_not_killed_for_the_job_before_the_one_that_it_runs(
    process: WorkerProcess, sleeper: subprocess.Popen[bytes]
) -> None:
    process.page.claim(4, 1)
    process.ended, process.kill_at = (3, 4), 100.0
    process.kill_if_due(100.0)
    sleeper.terminate()
    assert sleeper.wait(10) == -signal.SIGTERM
