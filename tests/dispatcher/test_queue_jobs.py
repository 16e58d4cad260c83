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
