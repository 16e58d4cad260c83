"""Tests that leave something behind, under a scheduler that outlives them; see test_traces.py."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler
from gridengine.transport.shared_memory import SHARED, Arena

from . import conftest, targets

_kept: list[Any] = []


def a_thread() -> threading.Thread:
    thread = threading.Thread(target=threading.Event().wait, name="planted", daemon=True)
    thread.start()
    return thread


def a_scheduler() -> ProcessScheduler:
    scheduler = ProcessScheduler(1)
    conftest.warm(scheduler, 1)
    return scheduler


LEAKS: dict[str, Callable[[], Any]] = {
    "sockets": socket.socketpair,
    "a pipe": os.pipe,
    "a file": lambda: os.open(__file__, os.O_RDONLY),
    "memory": Arena.make,
    "a process": lambda: subprocess.Popen(["sleep", "60"]),
    "a folder": tempfile.mkdtemp,
    "a thread": a_thread,
    "a scheduler": a_scheduler,
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_leaves(laptop: ProcessScheduler, leak: Callable[[], Any]) -> None:
    _kept.append(leak())
    conftest.PATIENCE = 0.1


def test_leaves_nothing_but_what_is_the_schedulers(laptop: ProcessScheduler) -> None:
    conftest.PATIENCE = 20.0
    job = gridengine.Job(target=targets.kill_self, scheduler=laptop, retries=0)
    job.start()
    assert isinstance(job.exception, gridengine.JobDied)
    # From new workers, which lend their memory.
    large = gridengine.map(np.zeros, [SHARED] * 4, scheduler=laptop, chunksize=1)
    assert len(large) == 4


@pytest.fixture(scope="module")
def left_open() -> Any:
    return socket.socketpair()


def test_shares(laptop: ProcessScheduler, left_open: Any) -> None:
    _kept.append(left_open)
    conftest.PATIENCE = 0.1


@pytest.fixture(autouse=True, scope="module")
def end_of_the_planted_process() -> Iterator[None]:
    yield
    for each in _kept:
        if isinstance(each, subprocess.Popen):
            each.kill()
            each.wait()
