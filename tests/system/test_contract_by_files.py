"""What a user is promised, where messages go through files: the same suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gridengine.schedulers import GridEngineScheduler, Scheduler
from gridengine.testing import SchedulerContract

from ..conftest import warm
from ..hosts_scheduler import HERE, in_modules, made

FILES = {"channel": "files"}


def on_hosts(*hosts: str, **settings: Any) -> Scheduler:
    """Returns a scheduler whose workers are on this host, and speak as if they were on others."""
    scheduler = made("HostsScheduler")(hosts, workers=2, command=HERE)
    scheduler.settings = {**FILES, **settings}
    return scheduler


@pytest.fixture(
    scope="module",
    params=["hosts", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def scheduler(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests of this file.

    On the cluster nobody tells it to use files: a firewall drops what nodes send to the program.
    """
    if request.param == "hosts":
        with in_modules(tmp_path_factory.mktemp("modules")), on_hosts("one", "two") as hosts:
            warm(hosts, 4)
            yield hosts
        return
    cluster = request.getfixturevalue("cluster")
    settings = {"connect_timeout": 2.0}
    with cluster.firewall("drop"), GridEngineScheduler(max_workers=4, settings=settings) as grid:
        warm(grid, 4)
        yield grid


class TestContractByFiles(SchedulerContract):
    @pytest.fixture(scope="class")
    @staticmethod
    def scheduler(scheduler: Scheduler) -> Scheduler:
        """Returns each of those above."""
        return scheduler
