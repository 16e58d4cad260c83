"""The sessions of the process scheduler."""

from __future__ import annotations

import os
import select
import sys
import threading
from pathlib import Path

import pytest

from gridengine.schedulers import ProcessScheduler
from gridengine.schedulers.base import Session
from gridengine.schedulers.events import Ended, Event

from ..waiting import wait_until


def start(session: Session, batch: int, program: str, *arguments: str) -> None:
    command = [sys.executable, "-S", "-c", program, *arguments]
    session.start(batch, command, 1, name="", resources={}, logs="")


def hear_the_end(session: Session) -> None:
    heard: list[Event] = []
    while not any(isinstance(event, Ended) for event in heard):
        assert select.select([session.fileno()], [], [], 20.0)[0]
        heard += session.events()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_ended_holds_nothing_open_however_long_the_session_lasts() -> None:
    session = ProcessScheduler(1).open()
    opened = len(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    for batch in range(3):
        start(session, batch, "pass")
        hear_the_end(session)
    assert (opened, threads) == (len(os.listdir("/proc/self/fd")), threading.active_count())
    session.close()


LEAVES_A_CHILD = """
import os, signal, sys
if os.fork():
    os.kill(os.getpid(), signal.SIGKILL)
said = sys.stdin.read()
with open(sys.argv[1] + ".new", "w") as file:
    file.write(said)
os.rename(file.name, sys.argv[1])
"""


def test_what_a_killed_supervisor_leaves_is_told_that_it_is_of_no_use(tmp_path: Path) -> None:
    session = ProcessScheduler(1).open()
    heard = tmp_path / "heard"
    start(session, 1, LEAVES_A_CHILD, str(heard))
    hear_the_end(session)
    wait_until(heard.exists, what="the child's input has ended")
    assert heard.read_text() == ""
    session.close()


def test_a_closed_session_has_no_descriptor_and_may_be_closed_again() -> None:
    session = ProcessScheduler(1).open()
    start(session, 1, "input()")
    descriptor = session.fileno()
    session.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    # Its number may be another's by now.
    read, write = os.pipe()
    session.close()
    os.close(read)
    os.close(write)
