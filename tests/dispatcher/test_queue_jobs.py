"""What queue jobs have printed is found by their whole name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from gridengine.dispatcher.queue_jobs import QueueJobs
from gridengine.schedulers import ProcessScheduler
from gridengine.schedulers.base import Session
from gridengine.transport.launch_file import Launch
from gridengine.transport.unreached import Unreached


class _Nothing:
    def when_silent(self) -> tuple[str, ...]:
        return ()


@pytest.fixture
def queue_jobs(tmp_path: Path) -> QueueJobs:
    session = cast(Session, _Nothing())
    return QueueJobs(session, ProcessScheduler(1), Launch(["ipc:x"]), str(tmp_path))


def test_why_a_supervisor_was_refused_is_known_when_its_queue_job_is_named_later(
    queue_jobs: QueueJobs,
) -> None:
    queue_jobs.note_refusal("21.1", Unreached("n", "another version"))
    assert queue_jobs.unreached("121.1") is None
    assert queue_jobs.unreached("21.1") == ("n", "another version")
    assert queue_jobs.unreached("21.1") is None
    for number in range(1000):
        queue_jobs.note_refusal(f"{number}.1", Unreached("n", "of no queue job"))
    assert queue_jobs.unreached("1.1") is not None
    assert queue_jobs.unreached("999.1") is None


@pytest.mark.parametrize("other", ["121.1", "21.11", "21.1.log", "1.21.1", "21.1 "])
def test_a_missing_log_is_not_answered_with_that_of_another_number(
    queue_jobs: QueueJobs, tmp_path: Path, other: str
) -> None:
    (tmp_path / "logs" / f"{other}.log").write_text("of another one")
    Unreached("n", "of another one").write(str(tmp_path), other)
    assert queue_jobs.output_of("21.1") == ""
    assert queue_jobs.unreached("21.1") is None
    (tmp_path / "logs" / "21.1.log").write_text("its own\n")
    Unreached("n", "its own").write(str(tmp_path), "21.1")
    assert queue_jobs.output_of("21.1") == "its own"
    assert queue_jobs.unreached("21.1") == ("n", "its own")
