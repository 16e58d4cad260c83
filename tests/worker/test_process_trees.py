"""What a process and all that it has started use."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.worker.process_trees import OpenFiles, ProcessTree, TreeUse

from ..waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a process")

MIB = 1 << 20

#: Says that it is ready, and ends with its input.
READY = "import sys; print('ready', flush=True); sys.stdin.read()"
HOLDS_30_MIB = f"held = b'1' * {30 * MIB}; {READY}"
RUNS = "print('ready', flush=True)\nwhile True: pass"
STARTS = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', sys.argv[1]])"
STARTS_IN_A_THREAD = f"""
import threading
def start():
    exec('''{STARTS}''')
thread = threading.Thread(target=start)
thread.start()
thread.join()
"""


@contextlib.contextmanager
def program(code: str, *args: str, until_ready: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", code, *args]
    pipe = subprocess.PIPE
    # In a group of its own: what it has started ends with it.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert not until_ready or process.stdout.readline() == b"ready\n"
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def tree_of(
    process: subprocess.Popen[bytes], files: OpenFiles | None = None
) -> Iterator[ProcessTree]:
    tree = ProcessTree(process.pid, files or OpenFiles())
    yield tree
    tree.close()


def look(tree: ProcessTree) -> TreeUse:
    use = tree.look(time.monotonic())
    assert use is not None
    return use


@pytest.mark.parametrize("starts", [STARTS, STARTS_IN_A_THREAD], ids=["main", "thread"])
def test_the_memory_of_children_counts_whichever_thread_has_started_them(starts: str) -> None:
    with program(starts, HOLDS_30_MIB) as process, tree_of(process) as tree:
        use = look(tree)
        assert len(use.pids) == 2
        assert use.pids[0] == process.pid
        assert 30 * MIB < use.rss < 120 * MIB


def test_the_processor_time_of_grandchildren_counts_and_is_not_lost_with_them() -> None:
    code = f"{STARTS}\nprint('over', flush=True)\nsys.stdin.read()"
    inner = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {RUNS!r}])"
    with program(code, inner) as process, tree_of(process) as tree:
        wait_until(lambda: look(tree).cpu > 0.3, what="it has run")
        use = look(tree)
        assert len(use.pids) == 3
        for pid in use.pids[:0:-1]:
            os.kill(pid, signal.SIGKILL)
        assert process.stdout is not None
        assert process.stdout.readline() == b"over\n"
        for _ in range(3):
            after = look(tree)
            assert use.cpu <= after.cpu < use.cpu + 0.5
        assert after.pids == (process.pid,)


def test_the_time_of_children_for_which_nobody_waits_stays_counted() -> None:
    code = (
        f"import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{STARTS}\nsys.stdin.read()"
    )
    with program(code, RUNS) as process, tree_of(process) as tree:
        wait_until(lambda: look(tree).cpu > 0.3, what="it has run")
        use = look(tree)
        os.kill(use.pids[1], signal.SIGKILL)
        wait_until(lambda: len(look(tree).pids) == 1, what="its child is gone")
        assert use.cpu <= look(tree).cpu < use.cpu + 0.5


def test_it_is_told_that_a_process_is_stopped() -> None:
    with program(READY) as process, tree_of(process) as tree:
        assert not look(tree).stopped
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: look(tree).stopped, what="it is stopped")
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: not look(tree).stopped, what="it goes on")


def test_a_command_may_have_any_name(tmp_path: Path) -> None:
    odd = tmp_path / ") R 1 (2\n"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "600"]) as process, tree_of(process) as tree:
        wait_until(lambda: look(tree).rss > 0, what="it has begun")
        assert look(tree).pids == (process.pid,)
        process.kill()


def test_of_a_process_that_has_ended_nothing_is_told() -> None:
    with program(READY) as process:
        tree = ProcessTree(process.pid, OpenFiles())
        look(tree)
    assert tree.look(time.monotonic()) is None
    assert ProcessTree(process.pid, OpenFiles()).look(time.monotonic()) is None


def test_files_stay_open_for_as_many_processes_as_may_be_and_no_longer_than_those() -> None:
    files = OpenFiles()
    assert files.left * 8 <= max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 8)
    files.left = 1
    before = len(os.listdir("/proc/self/fd"))
    with program(STARTS, HOLDS_30_MIB) as process:
        with tree_of(process, files) as tree:
            opened = before + 2
            for _ in range(2):
                assert len(look(tree).pids) == 2
                assert len(os.listdir("/proc/self/fd")) == opened + 2
            assert files.left == 0
        assert files.left == 1
        assert len(os.listdir("/proc/self/fd")) == opened
