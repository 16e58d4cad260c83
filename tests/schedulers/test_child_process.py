"""The processes that the process scheduler starts."""

from __future__ import annotations

import os
import signal
import sys

from gridengine.schedulers.child_process import Child

ENDS_WITH_ITS_INPUT = "import sys; sys.exit(len(sys.stdin.read()))"


def start(program: str, statuses: list[int], **environ: str) -> Child:
    command = [sys.executable, "-c", program]
    return Child(command, {**os.environ, **environ}, statuses.append)


def test_its_input_ends_with_the_last_word() -> None:
    statuses: list[int] = []
    child = start(ENDS_WITH_ITS_INPUT, statuses)
    assert not child.wait(0.0)
    assert child.hang_up(b"four")
    assert not child.hang_up(b"and more")
    assert child.wait(20.0)
    assert statuses == [4]


def test_a_signal_ends_it_and_is_told() -> None:
    statuses: list[int] = []
    child = start(ENDS_WITH_ITS_INPUT, statuses)
    child.signal(signal.SIGKILL)
    assert child.wait(20.0)
    assert statuses == [-signal.SIGKILL]
    child.signal(signal.SIGKILL)
    child.hang_up(b"")


def test_it_has_the_environment_and_a_session_of_its_own() -> None:
    statuses: list[int] = []
    program = "import os, sys; sys.exit(int(os.environ['N']) + (os.getsid(0) == os.getpid()))"
    child = start(program, statuses, N="40")
    assert child.wait(20.0)
    assert statuses == [41]
    child.hang_up(b"")
