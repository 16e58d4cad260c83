"""What a user is promised, where messages go through files: the same suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gridengine.schedulers import GridEngineScheduler, Scheduler

from ..conftest import warm
from ..hosts_scheduler import HERE, hosts_scheduler
from .test_contract import *  # noqa: F403  # the suite

FILES = {"channel": "files"}


def on_hosts(*hosts: str, **settings: Any) -> Scheduler:
    """Returns a scheduler whose workers are on this host, and speak as if they were on others."""
    made = hosts_scheduler()(hosts, workers=2, command=HERE)
    made.settings = {**FILES, **settings}
    return made


@pytest.fixture(
    scope="module",
    params=["hosts", pytest.param("gridengine", marks=pytest.mark.cluster)],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests of this file.

    On the cluster nobody tells it to use files: a firewall drops what nodes send to the program.
    """
    if request.param == "hosts":
        with on_hosts("one", "two") as made:
            warm(made, 4)
            yield made
        return
    cluster = request.getfixturevalue("cluster")
    settings = {"connect_timeout": 2.0}
    with cluster.firewall("drop"), GridEngineScheduler(max_workers=4, settings=settings) as grid:
        warm(grid, 4)
        yield grid


@pytest.fixture
def own(scheduler: Scheduler) -> Scheduler:
    """A scheduler of the same sort, not at work yet, with one worker."""
    if isinstance(scheduler, GridEngineScheduler):
        return GridEngineScheduler(max_workers=1, settings=FILES)
    return on_hosts("one")
