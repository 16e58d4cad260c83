"""A batch system that tells of no ends: they are seen by looks at the queue, and confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridengine.schedulers.events import Ended

from ...waiting import wait_until
from ..conftest import Talk
from .folder_session import FolderSession, Request


@pytest.fixture
def one(folder: Path) -> Iterator[Talk]:
    """A session with two queue jobs, 1.1 and 1.2."""
    talk = Talk(FolderSession(Request()), folder)
    talk.start("exit 0", 2)
    assert talk.submitted(2) == ["1.1", "1.2"]
    yield talk
    talk.session.close()


def looks(folder: Path) -> int:
    """Returns how often the queue was looked at."""
    return len((folder / "looks").read_text()) if (folder / "looks").exists() else 0


def wait_for_looks(folder: Path, count: int) -> None:
    """Waits until the queue has been looked at so many times more."""
    enough = looks(folder) + count
    wait_until(lambda: looks(folder) >= enough, what="the queue is looked at")


@pytest.fixture
def written_down(folder: Path) -> Callable[[str], None]:
    """Writes down how a queue job has ended."""
    return lambda name: (folder / f"{name}.record").write_text('{"said": "exit status 7"}') and None


def test_one_that_is_not_there_and_of_whose_end_a_record_is_has_ended(
    one: Talk, folder: Path, written_down: Callable[[str], None]
) -> None:
    written_down("1.1")
    (folder / "1.1").unlink()
    assert "exit status 7" == one.ended("1.1").end.detail
    assert ["1.1"] == [each.queue_job for each in one.heard if isinstance(each, Ended)]


def test_one_that_is_never_there_again_has_ended_without_a_record(one: Talk, folder: Path) -> None:
    (folder / "1.2").unlink()
    assert "nothing is written down" == one.ended("1.2").end.detail


def test_a_look_that_finds_nothing_is_no_end_by_itself(one: Talk, folder: Path) -> None:
    (folder / "hidden").touch()
    wait_for_looks(folder, 2)
    (folder / "hidden").unlink()
    wait_until(lambda: len(list(folder.glob("*.unknown"))) == 2, what="nothing is written down")
    wait_for_looks(folder, 3)
    one.heard += one.session.events()
    assert not [each for each in one.heard if isinstance(each, Ended)]


def test_a_thread_that_fails_ends_the_session_process_and_another_tells_of_the_end(
    one: Talk, folder: Path, written_down: Callable[[str], None]
) -> None:
    (folder / "broken").touch()
    written_down("1.1")
    (folder / "1.1").unlink()
    assert "exit status 7" == one.ended("1.1").end.detail
    assert not (folder / "broken").exists()


def test_those_that_are_left_at_the_end_are_deleted(one: Talk, folder: Path) -> None:
    one.session.close()
    assert not (folder / "1.1").exists()
    assert not (folder / "1.2").exists()
