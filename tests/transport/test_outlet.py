"""What is written last, where the file server does not always answer."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from gridengine.transport import outlet
from gridengine.transport.outlet import Outlet
from gridengine.transport.private_files import NotPrivate
from gridengine.transport.segments import SEGMENT, Folder, SegmentReader


class Failing(Folder):
    """One that cannot be opened some times."""

    def __init__(self, path: str, *failures: OSError) -> None:
        super().__init__(path)
        self.failures = list(failures)

    def open(self) -> int:
        if self.failures:
            raise self.failures.pop(0)
        return super().open()


@pytest.fixture
def path(tmp_path: Path) -> str:
    folder = tmp_path / "messages"
    folder.mkdir(mode=0o700)
    return str(folder)


@pytest.fixture
def said(path: str) -> Outlet:
    """One that has three segments to write."""
    made = Outlet("a", path, lambda frames, why: None)
    for number in range(3):
        made.say(b"%d" % number, bytes(SEGMENT))
    return made


def stale() -> OSError:
    return OSError(errno.ESTALE, os.strerror(errno.ESTALE))


def test_the_last_words_are_written_when_the_file_server_answers_again(
    path: str, said: Outlet
) -> None:
    said.finish(Failing(path, stale(), OSError(errno.EIO, "no answer")))
    assert not said.writer.waiting
    reader = SegmentReader("a")
    place = Folder(path).open()
    found = [frames for _ in range(4) for frames in reader.look(place)]
    os.close(place)
    assert [bytes(memoryview(frames[0])) for frames in found] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("error", [NotPrivate("another one"), OSError(errno.ENOENT, "gone")])
def test_to_a_folder_that_is_gone_nothing_is_written(
    path: str, said: Outlet, error: OSError
) -> None:
    folder = Failing(path, error, stale())
    said.finish(folder)
    assert len(said.writer.waiting) == 3
    assert len(folder.failures) == 1


def test_to_a_file_server_that_does_not_come_back_nothing_is_written(
    path: str, said: Outlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "GIVE_UP", 0.3)
    begun = time.monotonic()
    said.finish(Failing(path, *(stale() for _ in range(1000))))
    assert time.monotonic() - begun > 0.3
    assert len(said.writer.waiting) == 3
