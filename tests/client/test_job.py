"""Jobs as objects: what they are before and without a task."""

from __future__ import annotations

import copy
import pickle

import pytest

import gridengine
from gridengine import Job, JobState
from gridengine.schedulers import InlineScheduler, ProcessScheduler


class Introspective(Job):
    """Looks at itself where it runs."""

    def run(self) -> tuple[str, bool, int | None, JobState]:
        self.name = "renamed"
        return repr(self), self.is_alive(), self.pid, self.state


def test_a_job_may_look_at_itself_where_it_runs() -> None:
    with ProcessScheduler(1) as scheduler:
        job = Introspective(name="me", scheduler=scheduler)
        job.start()
        assert job.result == ("<Introspective(renamed, initial)>", False, None, JobState.INITIAL)


@pytest.mark.parametrize("duplicate", [copy.copy, lambda job: pickle.loads(pickle.dumps(job))])
def test_a_copy_is_a_job_of_its_own_that_was_not_started(duplicate: object) -> None:
    with ProcessScheduler(1) as scheduler:
        job = Job(target=abs, args=(-3,), name="abs", scheduler=scheduler)
        job.start()
        assert job.result == 3
        again: Job = duplicate(job)  # type: ignore[operator]
        assert repr(again) == "<Job(abs, initial)>"
        assert (again.ident, again.host, again.exitcode, again.attempts) == (None, None, None, 0)


def test_a_function_in_the_place_of_the_group_is_told_where_it_belongs() -> None:
    with pytest.raises(ValueError, match=r"Job\(target=f, args=\(x,\)\)"):
        Job(abs, (-1,))  # type: ignore[arg-type]


def test_jobs_may_be_arguments() -> None:
    with ProcessScheduler(1) as scheduler:
        jobs = [Job(target=abs, args=(-x,), name=f"job {x}") for x in range(3)]
        names = gridengine.map(repr, jobs, scheduler=scheduler)
        assert names == [f"<Job(job {x}, initial)>" for x in range(3)]


def test_a_map_of_nothing_is_done_in_no_time() -> None:
    with ProcessScheduler(1) as scheduler:
        assert gridengine.map(abs, [], scheduler=scheduler, timeout=0) == []


class WithoutInit(Job):
    def __init__(self) -> None:
        pass


def test_a_class_that_forgets_the_init_of_job_is_told_so() -> None:
    says = r"WithoutInit.__init__\(\) has not called super"
    with InlineScheduler(), pytest.raises(RuntimeError, match=says):
        WithoutInit().start()
