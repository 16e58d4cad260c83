"""What a bar costs."""

from __future__ import annotations

import functools
import os
import pty
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine.schedulers import ProcessScheduler

ROOT = Path(__file__).parents[2]

#: Of the time of a map, and rounds of measuring in which it may be seen once.
LIMIT, ROUNDS, PAIRS = 0.05, 6, 9

#: Seconds that a bar may take whatever the map: it is made, and drawn for the last time. That is
#: more than the limit of a map that takes 20 ms, and nothing that anybody could see.
ONCE = 0.003


def give(x: int) -> int:
    return x


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def what_is_wrong() -> str:
    """Returns what was measured if it is never as it should be, empty if it is."""
    with ProcessScheduler(2) as scheduler:
        for calls, once in ((100_000, ONCE), (1_000_000, 0.0)):
            map = functools.partial(gridengine.map, give, range(calls), scheduler=scheduler)
            seen = list(_rounds(map, once))
            if seen[-1]:
                return f"{calls} calls: {'; '.join(seen)}"
    return ""


def _rounds(map: Callable[..., object], once: float) -> Iterator[str]:
    """Yields what was measured in each round, in the last one nothing if it is as it should be."""
    for _ in range(3):
        map()
        map(progress=True)
    for _ in range(ROUNDS):
        pairs = [(seconds(map), seconds(lambda: map(progress=True))) for _ in range(PAIRS)]
        without, with_bar = (statistics.median(times) for times in zip(*pairs, strict=True))
        if with_bar <= (1 + LIMIT) * without + once:
            yield ""
            return
        yield f"{1000 * without:.1f} ms without, {1000 * with_bar:.1f} ms with a bar"


@pytest.mark.alone
def test_a_bar_costs_a_map_of_trivial_calls_next_to_nothing() -> None:
    pytest.importorskip("tqdm")
    # In a program that has nothing else, on a terminal.
    ours, its = pty.openpty()
    reading = threading.Thread(target=_read_all, args=(ours,))
    reading.start()
    program = "from tests.client.test_progress_cost import *; print(what_is_wrong())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=its, text=True, timeout=80,
        )  # fmt: skip
    finally:
        os.close(its)
        reading.join()
        os.close(ours)
    assert done.stdout.strip() == ""


def _read_all(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        # Nobody has its other end any more.
        pass
