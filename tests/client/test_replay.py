"""What has failed is run again in this process, with the arguments that it had."""

from __future__ import annotations

import copy
import os
import pickle
import time
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine import Job, JobDied, JobError, JobExited, JobTimeout
from gridengine.schedulers import GridEngineScheduler, InlineScheduler, ProcessScheduler, Scheduler

from ..waiting import wait_until

KINDS = ["process", "inline", pytest.param("gridengine", marks=pytest.mark.cluster)]


@pytest.fixture(scope="module", params=KINDS)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """One of each kind."""
    if request.param == "gridengine":
        request.getfixturevalue("cluster")
    kinds: dict[str, Any] = {
        "process": lambda: ProcessScheduler(2),
        "inline": InlineScheduler,
        "gridengine": lambda: GridEngineScheduler(max_workers=2),
    }
    with kinds[request.param]() as made:
        assert gridengine.map(abs, range(2), scheduler=made, chunksize=1) == [0, 1]
        yield made


@pytest.fixture(scope="module")
def process() -> Iterator[Scheduler]:
    """Two workers."""
    with ProcessScheduler(2) as made:
        assert gridengine.map(abs, range(2), scheduler=made, chunksize=1) == [0, 1]
        yield made


class Slotted(Exception):
    """Has slots."""

    __slots__ = ()


class Frozen(Exception):
    """Lets nobody set its attributes."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class OfItsOwn(Exception):
    """Has something else of that name."""

    def replay(self) -> str:
        """Returns what it is."""
        return "its own"


def fail_with(kind: type[Exception], *args: Any) -> None:
    """Raises an exception, with the arguments as they are."""
    raise kind(*args)


def failure(scheduler: Scheduler, *args: Any, target: Any = fail_with) -> BaseException:
    """Returns what a job raises."""
    job = Job(target=target, args=args, scheduler=scheduler)
    job.start()
    assert job.exception is not None
    return job.exception


@pytest.mark.parametrize("kind", [ValueError, Slotted, Frozen, OfItsOwn])
def test_any_exception_can_be_replayed(scheduler: Scheduler, kind: type[Exception]) -> None:
    of_map = gridengine.map(fail_with, [kind] * 3, range(3), reraise=False, scheduler=scheduler)
    for number, error in enumerate([*of_map, failure(scheduler, kind, 3)]):
        assert type(error) is kind
        with pytest.raises(kind) as caught:
            gridengine.replay(error)
        assert caught.value.args == (number,)
        assert caught.value.__cause__ is None
        frames = traceback.extract_tb(caught.value.__traceback__)
        assert frames[-1].name == "fail_with"
        if kind is not OfItsOwn:
            with pytest.raises(kind):
                error.replay()


def test_the_arguments_are_those_of_the_start(scheduler: Scheduler) -> None:
    numbers, array, closed = [1, 2], np.ones(100_000), [5]

    def check(numbers: list[int], array: Any) -> None:
        raise LookupError(numbers, float(array.sum()), closed)

    job = Job(target=check, args=(numbers, array), scheduler=scheduler)
    job.start()
    of_map = gridengine.map(check, [numbers], [array], reraise=False, scheduler=scheduler)
    assert job.exception is not None
    numbers.append(3)
    array[:] = 0
    closed.append(6)
    for again in (job.replay, of_map[0].replay, of_map[0].replay):  # type: ignore[attr-defined]
        with pytest.raises(LookupError) as caught:
            again()
        assert caught.value.args == ([1, 2], 100_000.0, [5])


def test_large_arguments_outlive_the_scheduler() -> None:
    array = np.arange(1_000_000)
    with ProcessScheduler(1) as scheduler:
        job = Job(target=_sum_fails, args=(array,), scheduler=scheduler)
        job.start()
        (error,) = gridengine.map(_sum_fails, [array], reraise=False, scheduler=scheduler)
        # Nobody asks for the exception before the end.
        wait_until(lambda: job.state.final, what="the job is over")
    for again in (error.replay, job.replay):
        with pytest.raises(ArithmeticError, match="499999500000"):
            again()


def _sum_fails(array: Any) -> None:
    raise ArithmeticError(int(array.sum()))


def test_it_returns_the_value_if_it_succeeds_now(process: Scheduler) -> None:
    error = failure(process, os.getpid(), target=_only_in)
    assert gridengine.replay(error) == "well"


def _only_in(pid: int) -> str:
    if os.getpid() != pid:
        raise OSError("elsewhere")
    return "well"


def _die_elsewhere(pid: int) -> str:
    if os.getpid() != pid:
        os._exit(5)
    return "alive"


def _sleep_elsewhere(pid: int) -> str:
    if os.getpid() != pid:
        time.sleep(60)
    return "awake"


def test_jobs_that_died_exited_or_took_too_long_can_be_replayed(process: Scheduler) -> None:
    died = Job(target=_die_elsewhere, args=(os.getpid(),), scheduler=process, retries=0)
    late = Job(target=_sleep_elsewhere, args=(os.getpid(),), scheduler=process, timeout=0.2)
    exits = Job(target=exit_with, args=(4,), scheduler=process)
    for job in (died, late, exits):
        job.start()
    assert isinstance(died.exception, JobDied)
    assert died.exception.replay() == died.replay() == "alive"
    assert isinstance(late.exception, JobTimeout)
    assert late.replay() == "awake"
    assert isinstance(exits.exception, JobExited)
    with pytest.raises(SystemExit, match="4"):
        exits.replay()


def exit_with(code: int) -> None:
    """Ends the process."""
    raise SystemExit(code)


class Counts(Job[int]):
    """A job with a method of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.count = 0

    def run(self) -> int:
        """Fails."""
        self.count += 1
        raise LookupError(self.count)


@pytest.mark.parametrize("mutable", [False, True])
def test_a_subclass_of_job_has_its_run_called(process: Scheduler, mutable: bool) -> None:
    job = Counts(scheduler=process, mutable=mutable)
    job.start()
    assert job.exception is not None
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            job.replay()
        assert caught.value.args == (1,)
        assert set(vars(caught.value)) <= {"__notes__"}
    assert job.count == (1 if mutable else 0)


def test_a_copy_from_elsewhere_says_that_it_has_no_arguments(process: Scheduler) -> None:
    for error in (failure(process, ValueError, 1), failure(process, 4, target=exit_with)):
        travelled = pickle.loads(pickle.dumps(error))
        assert type(travelled) is type(error)
        with pytest.raises(ValueError, match=r"nothing|again"):
            gridengine.replay(travelled)
        with pytest.raises((ValueError, SystemExit)) as caught:
            gridengine.replay(copy.copy(error))
        assert caught.value.args in ((1,), (4,))


def _maps(kind: type[Exception]) -> list[None]:
    with ProcessScheduler(2) as scheduler:
        return gridengine.map(fail_with, [kind], scheduler=scheduler)


def test_an_exception_that_passes_through_a_job_replays_the_outer_one(process: Scheduler) -> None:
    error = failure(process, Slotted, target=_maps)
    assert type(error) is Slotted
    assert "_maps" in repr(error.replay)  # type: ignore[attr-defined]


def _current() -> None:
    raise LookupError(type(gridengine.schedulers.current()).__name__, os.getpid())


def test_what_it_starts_runs_here_too(process: Scheduler) -> None:
    with pytest.raises(LookupError) as caught:
        gridengine.replay(failure(process, target=_current))
    assert caught.value.args == ("InlineScheduler", os.getpid())


def test_what_has_not_failed_is_refused(process: Scheduler) -> None:
    job = Job(target=abs, args=(1,), scheduler=process)
    with pytest.raises(RuntimeError, match="before it is started"):
        job.replay()
    job.start()
    with pytest.raises(ValueError, match="has not failed"):
        gridengine.replay(job)
    with pytest.raises(ValueError, match="nothing is known"):
        gridengine.replay(KeyError("of nobody"))
    with pytest.raises(ValueError, match="nothing"):
        JobError("of nobody").replay()
    with pytest.raises(TypeError, match="takes an exception"):
        gridengine.replay(3)  # type: ignore[arg-type]
