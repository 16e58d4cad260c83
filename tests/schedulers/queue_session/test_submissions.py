"""How a batch is submitted where a site limits what may be in the queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.schedulers.events import Delayed

from ..conftest import Talk
from .folder_session import FullSession, Request


@pytest.fixture
def talk(folder: Path) -> Iterator[Talk]:
    """A session in which nothing is asked for yet."""
    (folder / "largest").write_text("1000")
    (folder / "room").write_text("1000")
    made = Talk(FullSession(Request()), folder)
    yield made
    made.session.close()


def test_all_that_is_left_is_tried_at_once_when_there_is_room_again(
    talk: Talk, folder: Path
) -> None:
    (folder / "room").write_text("3")
    talk.start("exit 0", 8)
    talk.hear(Delayed)
    (folder / "room").write_text("1000")
    assert len(talk.submitted(8)) == 8
    asked = [int(each) for each in (folder / "asked").read_text().split()]
    assert asked[:6] == [8, 4, 2, 2, 1, 1]
    assert asked[6:] == [5]


def test_a_close_is_heard_between_two_arrays(talk: Talk, folder: Path) -> None:
    (folder / "largest").write_text("1")
    talk.start("exit 0", 2000)
    talk.submitted(3)
    talk.session.close()
    asked = (folder / "asked").read_text().split()
    assert asked.count("1") < 2000
    assert list(folder.glob("*.1")) == []
