"""Bars of maps whose workers are queue jobs of a real Grid Engine."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

import gridengine
from gridengine.schedulers import GridEngineScheduler

from ..cluster import Cluster
from ..waiting import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.site]


class Recorded:
    """A bar that keeps what it was to say."""

    def __init__(self) -> None:
        self.n = 0
        self.texts = [""]

    def __call__(self, total: int, desc: str) -> Recorded:
        return self

    def update(self, n: int) -> None:
        self.n += n

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        self.texts.append(text)

    def close(self) -> None:
        self.texts.append("closed")


@pytest.fixture
def others(cluster: Cluster) -> Iterator[None]:
    """All slots are taken by somebody else, until the map says that it waits."""
    number = cluster.run(
        ["qsub", "-terse", "-b", "y", "-o", "/dev/null", "-j", "y", "-t", "1-8", "sleep", "600"]
    ).stdout.partition(".")[0]
    wait_until(lambda: len([j for j in cluster.qstat() if j.state == "r"]) == 8, what="all run")
    try:
        yield
    finally:
        cluster.run(["qdel", number])
        wait_until(lambda: not cluster.qstat(), what="they are gone")


def pause(x: int) -> int:
    time.sleep(0.05)
    return x


def _draw(values: Iterator[int]) -> None:
    # It ends with the scheduler.
    with contextlib.suppress(gridengine.SchedulerError, gridengine.JobCancelled):
        list(values)


def test_a_map_that_waits_for_slots_says_so_with_the_reason(others: None) -> None:
    bar = Recorded()
    with GridEngineScheduler(max_workers=3) as scheduler:
        values = gridengine.imap(pause, range(20), scheduler=scheduler, progress=bar)
        drawing = threading.Thread(target=_draw, args=(values,), daemon=True)
        drawing.start()
        wait_until(
            lambda: any("all slots of queue all.q" in text for text in bar.texts),
            what="the reason",
            timeout=60,
        )
        said = bar.texts[-1]
        assert said.startswith("waiting for workers: 3 queue jobs wait (")
        assert "left" not in said
        scheduler.close()
        drawing.join()
    assert bar.texts[-1] == "closed"


@pytest.mark.slow
def test_more_workers_than_slots_run_what_they_can_while_the_rest_waits(cluster: Cluster) -> None:
    bar = Recorded()
    with GridEngineScheduler(max_workers=12) as scheduler:
        values = gridengine.map(pause, range(400), scheduler=scheduler, progress=bar)
    assert values == list(range(400))
    assert bar.n == 400
    told = "\n".join(bar.texts)
    assert "waiting for workers" in told
    assert "12 queue jobs wait" in told
    assert "8 running, 4 queued" in told
