"""What the tests of the contract use: a scheduler that they share, and jobs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import extras
from ..client.job import Job
from ..client.map import map
from ..schedulers.base import Scheduler
from ..schedulers.limits import workers_of

with extras.needed("testing", "gridengine.testing"):
    import pytest

#: Workers that are there when the first test begins; more would keep some clusters busy.
_WARM = 4


class ContractFixtures:
    """The scheduler that is tested; a subclass makes it."""

    def make_scheduler(self) -> Scheduler:
        """Returns a new scheduler, that of the subclass.

        Raises:
            NotImplementedError: The subclass has none.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has to say what is tested: "
            "def make_scheduler(self): return MyScheduler(max_workers=2)"
        )

    @pytest.fixture(scope="class")
    @staticmethod
    def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
        """The scheduler that the tests share, with workers that have started."""
        with request.cls().make_scheduler() as made:
            workers = min(_WARM, workers_of(made))
            assert len(map(abs, range(workers), scheduler=made, chunksize=1)) == workers
            yield made

    @pytest.fixture
    def start(self, scheduler: Scheduler) -> Callable[..., Job]:
        """Makes a job and starts it."""

        def start(target: Callable[..., object], *args: object, **options: Any) -> Job:
            job = Job(target=target, args=args, scheduler=scheduler, **options)
            job.start()
            return job

        return start
