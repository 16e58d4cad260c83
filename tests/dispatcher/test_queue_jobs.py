"""Queue jobs are told what to do, and what they have printed is found and believed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from gridengine.dispatcher.queue_jobs import QueueJobs
from gridengine.schedulers import ProcessScheduler
from gridengine.schedulers.base import Session
from gridengine.transport.launch_file import Launch
from gridengine.transport.unreached import Unreached

from ..two_users import User


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


# ---------------------------------------------------------------------- attacks


def link_to_zero(log: Path) -> None:
    log.symlink_to("/dev/zero")


def link_to_a_file(log: Path) -> None:
    (log.parent / "other").write_text("secret")
    log.symlink_to("other")


PLANTED: list[Callable[[Path], object]] = [link_to_zero, link_to_a_file, os.mkfifo, os.mkdir]


@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_no_file_is_not_read_as_a_log_and_holds_nothing_up(
    queue_jobs: QueueJobs, tmp_path: Path, plant: Callable[[Path], object]
) -> None:
    plant(tmp_path / "logs" / "21.1.log")
    said = queue_jobs.output_of("21.1")
    assert "secret" not in said
    assert len(said) < 1000


def test_only_the_end_of_a_log_is_read(queue_jobs: QueueJobs, tmp_path: Path) -> None:
    with open(tmp_path / "logs" / "21.1.log", "wb") as file:
        # Of which nothing lies on disk.
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"the end")
    assert queue_jobs.output_of("21.1").endswith("the end")
    assert len(queue_jobs.output_of("21.1")) <= 4096


def test_the_log_of_another_user_is_not_believed(
    queue_jobs: QueueJobs, tmp_path: Path, users: tuple[User, User]
) -> None:
    _, attacker = users
    logs = tmp_path / "logs"
    (logs / "21.1.log").write_text("planted")
    os.chown(logs / "21.1.log", attacker.uid, attacker.uid)
    assert "is not a file of this user's" in queue_jobs.output_of("21.1")
    os.chown(logs / "21.1.log", os.getuid(), -1)
    assert queue_jobs.output_of("21.1") == "planted"
    # Nor is any in a folder that has been another user's: but why is said.
    os.chown(logs, attacker.uid, attacker.uid)
    assert f"{logs} belongs to user {attacker.uid}" in queue_jobs.output_of("21.1")


def test_no_name_of_a_queue_job_makes_an_exception(queue_jobs: QueueJobs) -> None:
    for name in ("\0", "x" * 5000, "a/b", ""):
        assert queue_jobs.output_of(name) == ""


def test_a_script_that_is_planted_for_later_queue_jobs_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "run-1"
    folder.mkdir(0o700)
    session = cast(Session, _Nothing())
    queue_jobs = QueueJobs(session, ProcessScheduler(1), Launch(["ipc:x"]), str(folder))
    first = queue_jobs._command("launch")
    # A cleaner and somebody else have been there.
    folder.rename(tmp_path / "cleaned")
    folder.mkdir(0o755)
    folder.chmod(0o777)
    (folder / "start").write_text("echo owned")
    (folder / "start-run-1").write_text("echo owned")
    assert first == queue_jobs._command("launch")
    done = subprocess.run(first, capture_output=True, text=True, check=False)
    assert (1, "") == (done.returncode, done.stdout)
    assert "nothing is run" in done.stderr
