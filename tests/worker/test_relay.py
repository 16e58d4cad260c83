"""What a relay makes of files that grow, and of a file server that does not answer."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gridengine.transport.launch_file import Launch
from gridengine.transport.looks import Looks
from gridengine.transport.outlet import Outlet
from gridengine.transport.segments import SEGMENT, Folder, SegmentReader
from gridengine.worker.relay import Relay


@pytest.fixture
def relay(tmp_path: Path) -> Any:
    """One without a supervisor, nor signals of its own, that has heard nothing for long."""
    path = tmp_path / "messages"
    path.mkdir(mode=0o700)
    made: Any = object.__new__(Relay)
    made._folder = Folder(str(path))
    made._launch = Launch([])
    made._outlet = Outlet("abc.up", str(path), lambda frames, why: None)
    made._reader = SegmentReader("abc.down")
    made._looks = Looks(time.monotonic())
    made._patience = 120.0
    made._heard = time.monotonic() - 2 * made._patience
    made._measured, made._asked, made._round_trip = -1.0, 0, 0.0
    made._more = False
    return made


def test_the_program_lives_while_it_writes_something_large(relay: Any) -> None:
    assert "nothing heard of the program" in relay._exchange()
    relay._looks.due = 0.0
    with open(
        os.path.join(relay._folder.path, "abc.down.0"),
        "wb",
        opener=lambda path, flags: os.open(path, flags, 0o600),
    ) as file:
        file.write(b"the beginning of a record")
    assert relay._exchange() is None


def test_who_has_much_to_say_looks_between_what_is_said(relay: Any) -> None:
    relay._heard = time.monotonic()
    for number in range(3):
        relay._outlet.say(b"%d" % number, bytes(SEGMENT))
    for left in (3, 2, 1):
        assert relay._exchange() is None
        # One more than there were: with the first goes a question how long an answer takes.
        assert len(relay._outlet.writer.waiting) == left
        assert relay._more
    assert relay._exchange() is None
    assert not relay._more


def test_a_file_server_that_does_not_answer_is_not_asked_all_the_time(
    relay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    relay._heard, relay._looks.due = time.monotonic(), 0.0
    monkeypatch.setattr(relay._folder, "open", fail)
    assert relay._exchange() is None
    assert relay._looks.due > time.monotonic()
