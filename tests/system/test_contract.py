"""What a user is promised: one suite, `gridengine.testing`, run over every scheduler."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import ProcessScheduler, Scheduler
from gridengine.testing import SchedulerContract

from .. import kinds, targets
from ..conftest import warm


@pytest.fixture(scope="module", params=kinds.KINDS)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests of this file."""
    workers = 2
    if request.param != "process":
        kinds.brought_up(request.param, request)
        workers = 4
    with kinds.made(request.param, workers) as made:
        warm(made, workers)
        yield made


class TestContract(SchedulerContract):
    @pytest.fixture(scope="class")
    @staticmethod
    def scheduler(scheduler: Scheduler) -> Scheduler:
        """Returns each of those above: what is public makes one alone."""
        return scheduler


def test_fresh_workers_have_seen_no_other_job() -> None:
    with ProcessScheduler(2, fresh=True) as fresh:
        pids = gridengine.map(targets.pid, range(6), scheduler=fresh)
        jobs = [Job(target=targets.pid, scheduler=fresh) for _ in range(6)]
        for job in jobs:
            job.start()
        pids += [job.result for job in jobs]
    assert len(set(pids)) == 12
