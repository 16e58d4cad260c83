"""Programs that were written for the first gridengine, as far as they run on Python 3."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gridengine
from gridengine import dispatch, functional, job, schedulers
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from ..conftest import warm


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("gridengine", marks=pytest.mark.cluster)],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    made: Scheduler = ProcessScheduler(2)
    if request.param == "gridengine":
        request.getfixturevalue("cluster")
        made = GridEngineScheduler(max_workers=2)
    with made:
        warm(made, 2)
        yield made


ROOTS = [math.sqrt(x) for x in range(9)]


def test_a_map_takes_its_scheduler_behind_the_items(scheduler: Scheduler) -> None:
    old: Any = gridengine.map
    with pytest.warns(DeprecationWarning, match="scheduler=scheduler") as told:
        assert old(math.sqrt, range(9), scheduler) == ROOTS
    assert told[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="scheduler=scheduler"):
        assert list(gridengine.imap(math.sqrt, range(9), scheduler)) == ROOTS  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="given twice"):
        old(math.sqrt, range(9), scheduler, scheduler=scheduler)


@pytest.mark.parametrize("made", [schedulers.current, schedulers.best_available, ProcessScheduler])
def test_a_map_takes_what_makes_its_scheduler(
    made: Callable[[], Scheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "process")
    old: Any = gridengine.map
    with pytest.warns(DeprecationWarning, match="scheduler=scheduler"):
        assert old(math.sqrt, range(9), made) == ROOTS
    assert gridengine.map(math.sqrt, range(9), scheduler=made) == ROOTS
    schedulers.best_available().close()
    schedulers.choice.scheduler_for(made).close()  # type: ignore[attr-defined]


def test_a_map_over_two_iterables_is_none_with_a_scheduler(scheduler: Scheduler) -> None:
    assert gridengine.map(pow, [2, 3], [3, 2], scheduler=scheduler) == [8, 9]
    with pytest.raises(TypeError, match="not iterable"):
        gridengine.map(pow, [2, 3], 3, scheduler=scheduler)  # type: ignore[call-overload]


def test_workers_of_a_process_scheduler_were_called_threads() -> None:
    with pytest.warns(DeprecationWarning, match="max_workers") as told:
        scheduler = ProcessScheduler(max_threads=3)
    assert told[0].filename == __file__
    assert scheduler.max_threads == scheduler.max_workers == 3
    with pytest.raises(TypeError, match="given twice"):
        ProcessScheduler(2, max_threads=3)
    with pytest.deprecated_call(), pytest.raises(ValueError, match="max_workers"):
        ProcessScheduler(max_threads=0)


def test_its_names_are_there() -> None:
    assert functional.partial is gridengine.partial
    assert functional.map is gridengine.map
    assert dispatch.JobDispatcher is gridengine.JobDispatcher
    assert job.Job is gridengine.Job
    assert gridengine.ProcessScheduler is ProcessScheduler
    assert gridengine.GridEngineScheduler is GridEngineScheduler
    assert schedulers.TimeoutError is gridengine.TimeoutError
    assert (functional.isexception(ValueError()), functional.isexception(1)) == (True, False)
    assert (functional.isnumeric(1.5), functional.isnumeric("1")) == (True, False)


def test_a_batch_of_jobs_is_dispatched_and_joined(scheduler: Scheduler) -> None:
    jobs: list[gridengine.Job[Any]] = [
        job.Job(target=functional.partial(pow, 2), args=(x,)) for x in range(4)
    ]
    dispatcher = dispatch.JobDispatcher(scheduler)
    dispatcher.dispatch(jobs)
    assert dispatcher.join() == [1, 2, 4, 8]


def test_a_job_says_what_it_was_given() -> None:
    made = gridengine.Job(target=pow, args=[2], kwargs={"exp": 3})
    assert (made.target, made.args, made.kwargs) == (pow, (2,), {"exp": 3})


def test_attributes_of_a_jobs_own_class_take_their_places(scheduler: Scheduler) -> None:
    class Own(gridengine.Job[Any]):
        def __init__(self, args: str) -> None:
            super().__init__(scheduler=scheduler)
            self.args = args

        def run(self) -> str:
            return f"{self.args}!"

    made = Own("mine")
    made.start()
    assert (made.result, made.args) == ("mine!", "mine")


def test_a_scheduler_of_the_first_contract_is_told_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"writing-a-scheduler\.md"):

        class Old(Scheduler):  # type: ignore[abstract, unused-ignore]
            def schedule(self, submission_host: str, job_queue: Any) -> None: ...
