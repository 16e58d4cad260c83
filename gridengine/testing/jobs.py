"""What `gridengine.Job` promises, and `gridengine.JobDispatcher`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import gridengine

from .. import extras
from ..client.job import Job
from ..schedulers.base import Scheduler
from ..states import JobState
from . import targets
from .waiting import wait_until

with extras.needed("testing", "gridengine.testing"):
    import pytest


class JobContract:
    """What `gridengine.Job` promises, and `gridengine.JobDispatcher`."""

    def test_a_job_returns_a_value(self, start: Any) -> None:
        job = start(targets.add, 1, kwargs={"b": 2, "c": 3})
        assert job.join() is None
        assert job.result == 6
        assert (job.exitcode, job.state, job.attempts) == (0, JobState.FINISHED, 1)
        assert job.exception is None
        assert not job.is_alive()

    def test_a_job_starts_once(self, start: Any) -> None:
        job = start(targets.square, 2)
        with pytest.raises(RuntimeError, match="once"):
            job.start()
        assert job.result == 4

    def test_join_with_a_timeout_returns_and_the_job_goes_on(
        self, start: Any, tmp_path: Path
    ) -> None:
        job = start(targets.touch_and_wait, str(tmp_path / "runs"))
        assert job.join(0.01) is None
        assert job.is_alive()
        assert job.exitcode is None
        job.kill()
        job.join()

    def test_a_running_job_says_where_it_is(self, start: Any, tmp_path: Path) -> None:
        job = start(targets.touch_and_wait, str(tmp_path / "runs"))
        wait_until((tmp_path / "runs").exists, what="the job runs")
        assert JobState.RUNNING is job.state
        assert job.host
        assert isinstance(job.pid, int)
        assert "running" in repr(job)
        job.kill()
        job.join()

    def test_a_job_measures_what_it_used(self, start: Any) -> None:
        job = start(targets.sleep, 0.05)
        job.join()
        assert 0.05 <= job.usage.wall < 5
        assert job.usage.cpu < 0.05
        assert job.usage.peak_memory > 1_000_000

    def test_a_job_gets_the_slots_that_it_asks_for(self, scheduler: Scheduler) -> None:
        """Where the scheduler takes such a request."""
        try:
            asked = scheduler.resources_of({"slots": scheduler.slots + 1})
        except ValueError as error:
            pytest.skip(str(error))
        if scheduler.slots_of(asked) == scheduler.slots:
            pytest.skip("all its workers have the same number of slots")
        # Its workers are none that the other tests would have a use for.
        with copy.copy(scheduler) as own:
            job = Job(target=targets.granted, scheduler=own, slots=scheduler.slots + 1)
            job.start()
            assert job.result == scheduler.slots + 1

    def test_a_subclass_overrides_run(self, scheduler: Scheduler) -> None:
        job = targets.Counting(4, scheduler=scheduler)
        job.start()
        assert job.result == "done"
        assert not hasattr(job, "total")

    def test_the_attributes_of_a_mutable_job_come_back(self, scheduler: Scheduler) -> None:
        job = targets.Counting(4, scheduler=scheduler, mutable=True)
        job.start()
        job.join()
        assert (job.total, job.seen, job.result) == (6, [4], "done")

    def test_the_attributes_of_a_mutable_job_that_raised_come_back(
        self, scheduler: Scheduler
    ) -> None:
        job = targets.Counting(-1, scheduler=scheduler, mutable=True)
        job.start()
        job.join()
        assert (job.total, job.seen) == (0, [-1])
        with pytest.raises(ValueError, match="negative"):
            _ = job.result

    def test_a_dispatcher_joins_in_order(self, scheduler: Scheduler) -> None:
        with gridengine.JobDispatcher(scheduler) as dispatcher:
            dispatcher.dispatch(Job(target=targets.square, args=(i,)) for i in range(100))
            with pytest.raises(RuntimeError, match="join"):
                dispatcher.dispatch([])
            assert [i * i for i in range(100)] == dispatcher.join()
            assert dispatcher.start_time is not None
            assert dispatcher.end_time is not None
            assert dispatcher.elapsed_time is not None
            assert dispatcher.start_time <= dispatcher.end_time
            assert 0 < dispatcher.elapsed_time < 60
            dispatcher.dispatch([Job(target=targets.square, args=(3,))])
            assert dispatcher.join() == [9]

    def test_a_join_that_times_out_leaves_the_jobs_running(
        self, scheduler: Scheduler, tmp_path: Path
    ) -> None:
        job = Job(target=targets.touch_and_wait, args=(str(tmp_path / "runs"),))
        with gridengine.JobDispatcher(scheduler) as dispatcher:
            dispatcher.dispatch([job])
            with pytest.raises(gridengine.TimeoutError, match="1 of 1"):
                dispatcher.join(timeout=0.01)
            assert job.is_alive()
            job.kill()
            with pytest.raises(gridengine.JobCancelled):
                dispatcher.join()

    def test_a_dispatcher_can_give_exceptions_a_place_in_the_list(
        self, scheduler: Scheduler
    ) -> None:
        with gridengine.JobDispatcher(scheduler) as dispatcher:
            dispatcher.dispatch([Job(target=targets.fail_at, args=(x, 1)) for x in range(3)])
            first, second, third = dispatcher.join(reraise=False)
        assert (first, third) == (0, 2)
        assert isinstance(second, ZeroDivisionError)
