"""The processes that the process scheduler starts."""

from __future__ import annotations

import os
import signal
import sys

from gridengine.schedulers.child_process import Child
from gridengine.transport.control import Controls

ENDS_WITH_ITS_INPUT = "import sys; sys.exit(len(sys.stdin.read()))"


def start(
    program: str, statuses: list[int], controls: Controls | None = None, **environ: str
) -> Child:
    controls = controls or Controls()
    command = [sys.executable, "-c", program]
    return Child(command, {**os.environ, **environ}, controls, statuses.append)


def test_its_input_is_what_it_is_told_and_ends() -> None:
    statuses: list[int] = []
    controls = Controls()
    child = start(ENDS_WITH_ITS_INPUT, statuses, controls)
    assert not child.wait(0.0)
    # The length comes first, in four bytes.
    controls.tell(b"three")
    controls.tell(b"to those who were told nothing yet")
    assert child.hang_up()
    assert not child.hang_up()
    assert child.wait(20.0)
    assert statuses == [4 + len(b"three")]
    assert not controls.open


def test_its_input_ends_though_a_fork_has_a_copy_of_the_other_end() -> None:
    statuses: list[int] = []
    child = start(ENDS_WITH_ITS_INPUT, statuses)
    read, write = os.pipe()
    fork = os.fork()
    if not fork:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    try:
        child.hang_up()
        assert child.wait(20.0)
        assert statuses == [0]
    finally:
        os.close(write)
        os.close(read)
        os.waitpid(fork, 0)


def test_a_signal_ends_it_and_is_told() -> None:
    statuses: list[int] = []
    child = start(ENDS_WITH_ITS_INPUT, statuses)
    child.signal(signal.SIGKILL)
    assert child.wait(20.0)
    assert statuses == [-signal.SIGKILL]
    child.signal(signal.SIGKILL)
    child.hang_up()


def test_it_has_the_environment_and_a_session_of_its_own() -> None:
    statuses: list[int] = []
    program = "import os, sys; sys.exit(int(os.environ['N']) + (os.getsid(0) == os.getpid()))"
    child = start(program, statuses, N="40")
    assert child.wait(20.0)
    assert statuses == [41]
    child.hang_up()
