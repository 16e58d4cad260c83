"""What is said of what fails."""

from __future__ import annotations

import functools
import signal
from pathlib import Path
from typing import Any

import gridengine

from .. import extras
from ..errors import JobDied
from ..schedulers.base import Scheduler
from ..states import JobState
from . import targets
from .waiting import wait_until

with extras.needed("testing", "gridengine.testing"):
    import pytest


class FailureContract:
    """What is said of what fails."""

    def test_an_exception_arrives_as_itself_and_tells_its_story(self, start: Any) -> None:
        job = start(targets.fail_at, 1, 1)
        with pytest.raises(ZeroDivisionError, match="at 1") as caught:
            _ = job.result
        assert "in fail_at" in str(caught.value.__cause__)
        note = caught.value.__notes__[-1]  # type: ignore[attr-defined]
        assert job.name in note
        assert job.host in note
        assert "attempt 1" in note
        assert (job.exitcode, job.state) == (1, JobState.FAILED)
        assert job.exception is caught.value

    def test_an_exception_with_an_odd_constructor_arrives(self, start: Any) -> None:
        job = start(targets.fail_with_two_arguments)
        assert isinstance(job.exception, targets.TwoArguments)
        assert (str(job.exception), job.exception.second) == ("text, 2", 2)

    def test_an_unpicklable_exception_arrives_as_something_clear(self, start: Any) -> None:
        job = start(targets.fail_unpicklably)
        assert "it has a lock" in str(job.exception)
        assert "fail_unpicklably" in str(job.exception.__cause__)

    @pytest.mark.parametrize(
        ("target", "text"),
        [
            (targets.an_open_file, "open file"),
            (targets.a_generator, "generator"),
        ],
    )
    def test_a_result_that_cannot_travel_is_a_clear_error(
        self, start: Any, target: Any, text: str
    ) -> None:
        with pytest.raises(TypeError, match=text):
            _ = start(target).result
        assert start(targets.square, 2).result == 4

    def test_a_bad_result_harms_no_other_call_of_its_map(self, scheduler: Scheduler) -> None:
        def some(x: int) -> Any:
            return (i for i in range(x)) if x == 3 else x

        got = gridengine.map(some, range(6), scheduler=scheduler, reraise=False, chunksize=6)
        assert [x for x in got if not gridengine.raised(x)] == [0, 1, 2, 4, 5]
        assert isinstance(got[3], gridengine.PackingError)

    def test_a_result_that_cannot_be_rebuilt_fails_its_own_job(self, start: Any) -> None:
        with pytest.raises(gridengine.UnpackingError, match="no, not here"):
            _ = start(targets.explode_here).result
        assert start(targets.square, 2).result == 4

    @pytest.mark.parametrize(("status", "exitcode"), [(3, 3), ("text", 1)])
    def test_sys_exit_with_a_status_is_an_error_that_names_it(
        self, start: Any, status: Any, exitcode: int
    ) -> None:
        job = start(targets.leave, status)
        with pytest.raises(gridengine.JobExited, match=repr(status)):
            _ = job.result
        assert exitcode == job.exitcode

    @pytest.mark.parametrize("status", [0, None])
    def test_sys_exit_with_success_is_success(self, start: Any, status: Any) -> None:
        job = start(targets.leave, status)
        assert job.result is None
        assert job.exitcode == 0

    def test_a_worker_that_is_killed_every_time_is_a_death(self, start: Any) -> None:
        job = start(targets.kill_self)
        with pytest.raises(JobDied, match="SIGKILL") as caught:
            _ = job.result
        died = caught.value
        assert (died.signal, died.attempt, died.exitcode) == ("SIGKILL", 2, -9)
        assert (job.state, job.exitcode, job.attempts) == (JobState.DIED, -9, 2)

    def test_a_worker_that_is_killed_once_is_not_noticed(self, start: Any, tmp_path: Path) -> None:
        job = start(targets.kill_self_once, str(tmp_path / "killed"), 5)
        assert (job.result, job.attempts) == (5, 2)

    def test_without_retries_one_death_is_enough(self, start: Any, tmp_path: Path) -> None:
        job = start(targets.kill_self_once, str(tmp_path / "killed"), 5, retries=0)
        assert isinstance(job.exception, JobDied)
        assert job.attempts == 1

    def test_an_exception_is_tried_again_if_wanted(self, start: Any, tmp_path: Path) -> None:
        job = start(targets.fail_once, str(tmp_path / "failed"), 5, retries=1)
        assert (job.result, job.attempts) == (5, 2)
        job = start(targets.fail_once, str(tmp_path / "failed again"), 5)
        assert isinstance(job.exception, OSError)

    @pytest.mark.parametrize("chunksize", [None, 10, 100])
    def test_the_guilty_call_is_found_and_the_others_are_kept(
        self, scheduler: Scheduler, chunksize: int | None
    ) -> None:
        f = functools.partial(targets.kill_self_at, bad=57)
        got = gridengine.map(f, range(100), scheduler=scheduler, reraise=False, chunksize=chunksize)
        assert isinstance(got[57], JobDied)
        assert (got[57].death.index, got[57].death.input) == (57, "57")
        assert [x for x in range(100) if x != 57] == [x for x in got if not gridengine.raised(x)]

    @pytest.mark.parametrize(("end", "signum"), [("terminate", signal.SIGTERM), ("kill", 9)])
    def test_a_running_job_can_be_ended(
        self, start: Any, tmp_path: Path, end: str, signum: int
    ) -> None:
        job = start(targets.touch_and_wait, str(tmp_path / "runs"))
        wait_until((tmp_path / "runs").exists, what="the job runs")
        getattr(job, end)()
        job.join()
        assert (JobState.CANCELLED, -signum) == (job.state, job.exitcode)
        with pytest.raises(gridengine.JobCancelled):
            _ = job.result

    def test_a_waiting_job_can_be_taken_back(
        self, scheduler: Scheduler, start: Any, tmp_path: Path
    ) -> None:
        blockers = [start(targets.touch_and_wait, str(tmp_path / str(i))) for i in range(8)]
        waiting = start(targets.square, 3)
        waiting.terminate()
        waiting.join()
        assert (waiting.state, waiting.exitcode) == (JobState.CANCELLED, -signal.SIGTERM)
        for job in blockers:
            job.kill()
        for job in blockers:
            job.join()

    def test_a_job_over_its_timeout_is_ended(self, start: Any) -> None:
        job = start(targets.sleep, 60.0, timeout=0.2)
        with pytest.raises(gridengine.JobTimeout, match=r"0\.2 s"):
            _ = job.result
        assert start(targets.square, 2, timeout=20.0).result == 4

    def test_a_job_over_its_timeout_is_tried_again_as_often_as_it_says(self, start: Any) -> None:
        job = start(targets.sleep, 60.0, timeout=0.2, retries=2)
        assert isinstance(job.exception, gridengine.JobTimeout)
        assert job.attempts == 3
