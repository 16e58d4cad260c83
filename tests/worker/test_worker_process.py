"""What a supervisor knows of a worker."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from gridengine.worker.worker_process import WorkerProcess


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


def test_a_signal_reaches_it_until_it_goes_on_to_other_calls(process: WorkerProcess) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        process.pid = sleeper.pid
        process.page.claim(3, 2)
        assert not process.signal((0, 3), signal.SIGKILL)
        process.page.claim(5, 1)
        assert not process.signal((3, 5), signal.SIGKILL)
        assert process.signal((5, 7), signal.SIGTERM)
        assert sleeper.wait(10) == -signal.SIGTERM
