"""When a batch system that is commands is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gridengine.schedulers import queue_watch
from gridengine.schedulers.plugin import CommandScheduler, Phase, Status, Submission
from gridengine.schedulers.queue_watch import QueueWatch

from ..waiting import wait_until


class Queue(CommandScheduler):
    """A batch system whose queue jobs run until they are deleted."""

    queue_job_template = "{QUEUE_JOB}"
    polls = (0.05, 600.0)
    looks = 0

    def submit(self, submission: Submission) -> Sequence[str]:
        return ["1"]

    def status(self, queue_jobs: Sequence[str]) -> Mapping[str, Status]:
        self.looks += 1
        return {name: Status(self.phase) for name in queue_jobs}

    def delete(self, queue_jobs: Sequence[str]) -> None:
        self.phase = Phase.OVER

    phase = Phase.RUNNING


def test_it_is_looked_at_when_a_connection_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_watch, "_GROWTH", 1e6)
    scheduler = Queue()
    with closing(scheduler.open()) as session:
        session.start(1, ["true"], 1, name="x", resources={}, logs=str(tmp_path))
        # Once, once more as it has changed, and at the end of the first pause: the next is long.
        wait_until(lambda: scheduler.looks == 3, what="it is looked at")
        session.doubt()
        wait_until(lambda: scheduler.looks == 4, what="it is looked at again")


def test_many_ends_make_no_more_looks_than_one() -> None:
    watch = QueueWatch((1.0, 15.0), 10.0, lambda event: None)
    watch.add(["1"], 0.0)
    for now in range(60):
        watch.seen({"1": Status(Phase.RUNNING)}, float(now))
    assert watch.pause(60.0) == 14.0
    for now in (60.0, 60.2, 60.9):
        watch.doubt(now)
    assert watch.pause(60.9) == pytest.approx(0.1)
