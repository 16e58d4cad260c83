"""A session whose commands are slow, or whose scheduler has a mistake: nothing waits in vain."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gridengine.errors import SchedulerError
from gridengine.schedulers import command_session
from gridengine.schedulers.command_scheduler import CommandScheduler, Phase, Status, Submission
from gridengine.schedulers.command_session import CommandSession
from gridengine.schedulers.events import Ended, Notice, Refused, Submitted

from ..waiting import wait_until
from .conftest import Talk


class Queue(CommandScheduler):
    """A batch system in this process: what was submitted runs until it is deleted."""

    queue_job_template = "{X}"
    polls = (0.01, 0.05)
    listed_after = 0

    def __init__(self) -> None:
        super().__init__()
        self.there: list[str] = []

    def submit(self, submission: Submission) -> Sequence[str]:
        self.there.append(f"{len(self.there) + 1}")
        return self.there[-1:]

    def status(self, queue_jobs: Sequence[str]) -> Any:
        return {name: Status(Phase.RUNNING) for name in queue_jobs if name in self.there}

    def delete(self, queue_jobs: Sequence[str]) -> None:
        self.there = [name for name in self.there if name not in queue_jobs]


def test_what_an_author_has_given_a_class_stays() -> None:
    class Lasting(Queue):
        lifetime = 3600.0

    assert Lasting().lifetime == 3600.0
    assert Queue().lifetime is None


def test_a_name_that_is_empty_is_none() -> None:
    class Named(Queue):
        def __init__(self, name: str) -> None:
            CommandScheduler.__init__(self, queue_job_name=name)

    assert Named("").queue_job_name == ""


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[[CommandScheduler], Talk]]:
    sessions: list[CommandSession] = []

    def talk(scheduler: CommandScheduler) -> Talk:
        sessions.append(scheduler.open())
        return Talk(sessions[-1], tmp_path)

    yield talk
    for session in sessions:
        session.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "status() has returned None, where a dict"),
        ({"1": Phase.RUNNING}, "for '1', where a Status"),
        ({"1": Status("running")}, "for '1', where a Status"),  # type: ignore[arg-type]
    ],
)
def test_a_status_that_is_none_is_told_and_asked_for_again(
    talk: Callable[[CommandScheduler], Talk], answer: object, said: str
) -> None:
    class Wrong(Queue):
        answers = iter([answer])

        def status(self, queue_jobs: Sequence[str]) -> Any:
            return next(self.answers, {})

    heard = talk(Wrong())
    heard.start("true")
    [notice] = heard.hear(Notice)
    assert said in notice.text
    # The next answers name it no more.
    heard.ended("1")


@pytest.mark.parametrize("answer", ["17", [17], None])
def test_names_that_are_none_refuse_the_submission(
    talk: Callable[[CommandScheduler], Talk], answer: object
) -> None:
    class Wrong(Queue):
        def submit(self, submission: Submission) -> Any:
            return answer

    heard = talk(Wrong())
    heard.start("true")
    [refused] = heard.hear(Refused)
    assert "TypeError" in refused.reason


def test_an_end_that_is_none_is_said_to_be_so(talk: Callable[[CommandScheduler], Talk]) -> None:
    class Wrong(Queue):
        def status(self, queue_jobs: Sequence[str]) -> Any:
            return {}

        def end_of(self, queue_job: str) -> Any:
            return 3

    heard = talk(Wrong())
    heard.start("true")
    assert "end_of() has returned 3" in heard.ended("1").end.detail


def test_what_nobody_expects_ends_all_queue_jobs_and_refuses_what_comes_later(
    talk: Callable[[CommandScheduler], Talk], caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(Queue):
        leaves = threading.Event()

        def status(self, queue_jobs: Sequence[str]) -> Any:
            if self.leaves.is_set():
                raise SystemExit("a library that leaves")
            return super().status(queue_jobs)

    scheduler = Wrong()
    heard = talk(scheduler)
    heard.start("true")
    assert heard.submitted() == ["1"]
    scheduler.leaves.set()
    assert "a library that leaves" in heard.ended("1").end.detail
    batch = heard.start("true")
    [refused] = heard.hear(Refused)
    assert refused.batch == batch
    assert "the session has failed: SystemExit: a library that leaves" in refused.reason
    assert scheduler.there == []
    assert "the session has failed" in caplog.text


def test_a_submission_that_nobody_expects_to_fail_is_refused(
    talk: Callable[[CommandScheduler], Talk],
) -> None:
    class Wrong(Queue):
        def submit(self, submission: Submission) -> Sequence[str]:
            raise SystemExit(3)

    heard = talk(Wrong())
    batch = heard.start("true")
    [refused] = heard.hear(Refused)
    assert refused == Refused(batch, "the session has failed: SystemExit: 3")


def test_what_a_submission_brings_after_close_is_deleted(
    talk: Callable[[CommandScheduler], Talk],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(command_session, "_CLOSE", 0.05)
    monkeypatch.setattr(command_session, "_LAST_COMMAND", 0.05)

    class Slow(Queue):
        begun, goes_on = threading.Event(), threading.Event()
        deleted: Sequence[str] = ()

        def submit(self, submission: Submission) -> Sequence[str]:
            self.begun.set()
            assert self.goes_on.wait(60)
            return super().submit(submission)

        def delete(self, queue_jobs: Sequence[str]) -> None:
            self.deleted = (*self.deleted, *queue_jobs)
            raise SchedulerError("once is all there is time for")

    scheduler = Slow()
    heard = talk(scheduler)
    heard.start("true", 3)
    assert scheduler.begun.wait(60)
    with caplog.at_level(logging.WARNING):
        heard.session.close()
    assert "the submission of 3 queue jobs called test has not ended" in caplog.text
    scheduler.goes_on.set()
    wait_until(lambda: scheduler.deleted == ("1",), what="it is deleted")
    thread = heard.session._thread  # type: ignore[attr-defined]
    thread.join(60)
    assert not thread.is_alive()


def test_a_session_without_mistakes_submits_and_deletes(
    talk: Callable[[CommandScheduler], Talk],
) -> None:
    scheduler = Queue()
    heard = talk(scheduler)
    heard.start("true", 2)
    assert heard.submitted(2) == ["1", "2"]
    assert len(heard.hear(Submitted, 2)) == 2
    heard.session.stop(["1"])
    heard.ended("1")
    assert [e for e in heard.heard if isinstance(e, Ended)] == [heard.ended("1")]
    assert scheduler.there == ["2"]
