"""Fixtures: a scheduler of each sort, the real cluster, and a look at what is left behind."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gridengine.dispatcher.registry import open_dispatchers
from gridengine.schedulers import ProcessScheduler

from .cluster import Cluster
from .waiting import wait_until

#: Set by CI: there, a cluster that cannot be had is a failure, not a reason to skip.
_MUST_HAVE_CLUSTER = "GRIDENGINE_TEST_CLUSTER"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--large", action="store_true", help="run the tests that need much memory too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--large"):
        for item in items:
            if item.get_closest_marker("large"):
                item.add_marker(pytest.mark.skip(reason="needs much memory and time: --large"))


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every test leaves the children, threads, descriptors and folders that it found."""
    before = _traces()
    yield
    if not open_dispatchers():
        wait_until(lambda: not _new_traces(before), what=f"left behind: {_new_traces(before)}")


def _traces() -> set[str]:
    children = {f"process {pid}" for pid in _descendants(os.getpid())}
    # pyzmq's own, for buffers that it sends uncopied, lives as long as the process.
    threads = {
        f"thread {t.name}"
        for t in threading.enumerate()
        if type(t).__name__ != "GarbageCollectorThread"
    }
    shared = {f"/dev/shm/{name}" for name in _names(Path("/dev/shm"))}
    folders = {name for name in _names(Path("/tmp")) if name.startswith("gridengine-")}
    runs = Path.home() / ".gridengine"
    folders |= {name for name in _names(runs) if name.startswith(f"run-{socket.gethostname()}-")}
    return children | threads | shared | folders | _sockets()


def _descendants(pid: int) -> set[int]:
    if sys.platform != "linux":
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    # psutil looks at every process of the machine, which takes longer than most tests.
    found: set[int] = set()
    for task in _names(Path(f"/proc/{pid}/task")):
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
            found.update(map(int, children))
    return found.union(*map(_descendants, found))


def _sockets() -> set[str]:
    found = set()
    for descriptor in _names(Path("/proc/self/fd")):
        # The listing's own is gone by now.
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    return {target for target in found if target.startswith("socket:")}


def _new_traces(before: set[str]) -> set[str]:
    # What the shared scheduler of a whole module has is looked at when it closes.
    return {trace for trace in _traces() - before if not trace.startswith("thread pytest")}


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


@pytest.fixture(scope="module")
def laptop() -> Iterator[ProcessScheduler]:
    """A ProcessScheduler with two workers, shared by the tests of a module."""
    with ProcessScheduler(2) as scheduler:
        yield scheduler


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The real Grid Engine; the tests themselves run on its submit host."""
    reason = Cluster.unavailable()
    if reason is None and socket.gethostname() != Cluster.submit_host.name:
        reason = "this is not its submit host; `scripts/test` runs the tests there"
    if reason is None:
        return Cluster.up()
    if os.environ.get(_MUST_HAVE_CLUSTER):
        pytest.fail(f"the test cluster cannot be had: {reason}")
    pytest.skip(f"the test cluster cannot be had: {reason}")
