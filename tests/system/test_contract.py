"""What a user is promised: one suite, run over every scheduler."""

from __future__ import annotations

import builtins
import functools
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine import Job, JobDied, JobState
from gridengine.schedulers import ProcessScheduler, Scheduler

from .. import kinds, targets
from ..conftest import warm
from ..waiting import wait_until


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


@pytest.fixture
def own(scheduler: Scheduler) -> Scheduler:
    """A scheduler of the same sort, not at work yet, with one worker."""
    if isinstance(scheduler, ProcessScheduler):
        return ProcessScheduler(1)
    return type(scheduler)(max_workers=1)  # type: ignore[call-arg]


@pytest.fixture
def start(scheduler: Scheduler) -> Any:
    """Makes a job and starts it."""

    def start(target: Any, *args: Any, **options: Any) -> Job:
        job = Job(target=target, args=args, scheduler=scheduler, **options)
        job.start()
        return job

    return start


# -- map --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 5, 1000])
def test_map_equals_the_builtin(scheduler: Scheduler, count: int) -> None:
    expected = list(builtins.map(targets.square, range(count)))
    assert expected == gridengine.map(targets.square, range(count), scheduler=scheduler)


def test_map_takes_several_iterables_and_stops_with_the_shortest(scheduler: Scheduler) -> None:
    got = gridengine.map(targets.add, [1, 2, 3], iter([10, 20]), scheduler=scheduler)
    assert [11, 22] == got


@pytest.mark.parametrize(
    "items", [range(10_000, 0, -3), tuple(range(3000)), list(range(3000)), range(2**70, 2**70 + 9)]
)
def test_map_cuts_sequences_as_the_builtin_draws_from_them(
    scheduler: Scheduler, items: Any
) -> None:
    expected = list(builtins.map(targets.square, items))
    for _ in range(2):
        assert expected == gridengine.map(targets.square, items, scheduler=scheduler)


def test_map_takes_a_generator_and_raises_what_it_raises(scheduler: Scheduler) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        gridengine.map(targets.square, items(), scheduler=scheduler)


def test_map_keeps_to_a_chunksize(scheduler: Scheduler) -> None:
    got = gridengine.map(targets.square, range(10), scheduler=scheduler, chunksize=4)
    assert [x * x for x in range(10)] == got


def test_map_raises_the_first_exception_in_order(scheduler: Scheduler) -> None:
    f = functools.partial(targets.fail_at, bad=37)
    with pytest.raises(ZeroDivisionError, match="at 37"):
        gridengine.map(f, range(200), scheduler=scheduler)


def test_a_failed_map_takes_back_what_has_not_begun(scheduler: Scheduler, tmp_path: Path) -> None:
    def touch(x: int) -> None:
        (tmp_path / str(x)).touch()
        if x == 0:
            raise ZeroDivisionError
        targets.sleep(0.02)

    with pytest.raises(ZeroDivisionError):
        gridengine.map(touch, range(1000), scheduler=scheduler, chunksize=10)
    # Its workers are free for the next map.
    assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
    assert len(os.listdir(tmp_path)) < 1000


def test_exceptions_can_stand_in_the_list(scheduler: Scheduler) -> None:
    f = functools.partial(targets.fail_at, bad=2)
    got = gridengine.map(f, range(4), scheduler=scheduler, reraise=False)
    assert [0, 1, 3] == [x for x in got if not gridengine.raised(x)]
    assert isinstance(got[2], ZeroDivisionError)


def test_a_returned_exception_is_not_a_raised_one(scheduler: Scheduler) -> None:
    (got,) = gridengine.map(targets.return_an_exception, [1], scheduler=scheduler, reraise=False)
    assert isinstance(got, ValueError)
    assert not gridengine.raised(got)
    (got,) = gridengine.map(targets.return_an_exception, [1], scheduler=scheduler)
    assert isinstance(got, ValueError)


def test_a_map_that_is_not_done_in_time_is_cancelled(scheduler: Scheduler) -> None:
    with pytest.raises(TimeoutError):
        gridengine.map(targets.sleep, [60.0] * 3, scheduler=scheduler, timeout=0.2)
    assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)


def test_maps_of_several_threads_do_not_mix(scheduler: Scheduler) -> None:
    got: dict[int, list[int]] = {}

    def run(number: int) -> None:
        f = functools.partial(targets.add, number * 1000)
        got[number] = gridengine.map(f, range(100), scheduler=scheduler)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: [n * 1000 + x for x in range(100)] for n in range(4)} == got


def test_a_map_rejects_what_it_cannot_use(scheduler: Scheduler) -> None:
    with pytest.raises(TypeError, match="cannot be called"):
        gridengine.map(3, [1], scheduler=scheduler)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="at least one iterable"):
        gridengine.map(targets.square, scheduler=scheduler)
    with pytest.raises(ValueError, match="chunksize"):
        gridengine.map(targets.square, [1], scheduler=scheduler, chunksize=0)


def test_an_item_that_cannot_travel_is_named(scheduler: Scheduler) -> None:
    with (
        open(os.devnull) as file,
        pytest.raises(TypeError, match=r"argument of call 2.*open file"),
    ):
        gridengine.map(targets.give, [1, 2, file], scheduler=scheduler)


# -- what can be called -----------------------------------------------------------------------


class Adder:
    def __init__(self, number: int) -> None:
        self.number = number

    def add(self, x: int) -> int:
        return x + self.number

    @classmethod
    def make(cls, x: int) -> int:
        return cls(x).number

    @staticmethod
    def plain(x: int) -> int:
        return x

    def __call__(self, x: int) -> int:
        return x + self.number


def _closure(number: int) -> Any:
    def inner(x: int) -> int:
        return x + number

    return inner


@pytest.mark.parametrize(
    "function",
    [
        abs,
        targets.square,
        lambda x: x + 1,
        _closure(1),
        Adder(1).add,
        Adder.make,
        Adder.plain,
        Adder(2),
        functools.partial(targets.add, 1, c=2),
        gridengine.partial(targets.add, 1, c=2),
        int,
    ],
    ids=lambda f: getattr(f, "__name__", type(f).__name__),
)
def test_anything_that_can_be_called_can_be_mapped(scheduler: Scheduler, function: Any) -> None:
    assert [function(5)] == gridengine.map(function, [5], scheduler=scheduler)


def test_a_module_that_no_worker_finds_goes_by_value(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "only_of_the_program.py"
    file.write_text("FACTOR = 1\ndef times(x): return x * FACTOR\nclass Box: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("only_of_the_program")
    module.FACTOR = 3
    gridengine.register_by_value(module)
    file.unlink()
    try:
        assert gridengine.map(module.times, [1, 2], scheduler=scheduler) == [3, 6]
        [box] = gridengine.map(lambda _: module.Box(), [1], scheduler=scheduler)
        assert type(box) is module.Box
    finally:
        gridengine.unregister_by_value(module)
        del sys.modules[module.__name__]


def test_what_a_module_was_told_at_run_time_holds(
    own: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "appmod.py").write_text(
        "CONFIG = None\n"
        "def configure(value):\n"
        "    global CONFIG\n"
        "    CONFIG = value\n"
        "def task():\n"
        "    return lambda x: (CONFIG, x)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("appmod")
    # Workers that were there before would not find it.
    with own:
        for value in ("first", "second"):
            module.configure(value)
            assert gridengine.map(module.task(), [1], scheduler=own) == [(value, 1)]
    del sys.modules["appmod"]


def test_arrays_travel_and_can_be_written_to(scheduler: Scheduler) -> None:
    def double_in_place(array: Any) -> Any:
        array *= 2
        return array

    arrays = [np.full(100_000, float(i)) for i in range(4)]
    got = gridengine.map(double_in_place, arrays, scheduler=scheduler)
    for i, array in enumerate(got):
        assert array.sum() == 2 * i * 100_000
        array += 1
    assert arrays[3][0] == 3.0


#: In a message; in a frame of its own; in shared memory, if there is any; one that is waited for.
SIZES = [1_000, 12_000, 100_000, 10_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_job_has_the_arguments_as_they_were_when_it_was_started(start: Any, size: int) -> None:
    array = np.zeros(size)
    jobs = []
    for number in range(10):
        array[:] = number
        jobs.append(start(targets.first_and_last, array))
    array[:] = -1
    assert [(number, number) for number in range(10)] == [job.result for job in jobs]


@pytest.mark.parametrize("size", SIZES)
def test_a_result_is_as_it_was_when_its_job_ended(start: Any, size: int) -> None:
    """The function keeps what it returns, and a later job changes it."""
    jobs = [start(targets.fill_and_keep, size, number) for number in range(10)]
    for number, job in enumerate(jobs):
        assert (number, number) == targets.first_and_last(job.result)
        job.close()


def test_payloads_of_some_megabytes_travel(scheduler: Scheduler) -> None:
    data = os.urandom(8_000_000)
    assert [data] == gridengine.map(targets.give, [data], scheduler=scheduler)


# -- Job: Thread's promises -------------------------------------------------------------------


def test_a_job_returns_a_value(start: Any) -> None:
    job = start(targets.add, 1, kwargs={"b": 2, "c": 3})
    assert job.join() is None
    assert 6 == job.result
    assert (0, JobState.FINISHED, 1) == (job.exitcode, job.state, job.attempts)
    assert job.exception is None
    assert not job.is_alive()


def test_a_job_starts_once(start: Any) -> None:
    job = start(targets.square, 2)
    with pytest.raises(RuntimeError, match="once"):
        job.start()
    assert 4 == job.result


def test_join_with_a_timeout_returns_and_the_job_goes_on(start: Any, tmp_path: Path) -> None:
    job = start(targets.touch_and_wait, str(tmp_path / "runs"))
    assert job.join(0.01) is None
    assert job.is_alive()
    assert job.exitcode is None
    job.kill()
    job.join()


def test_a_running_job_says_where_it_is(start: Any, tmp_path: Path) -> None:
    job = start(targets.touch_and_wait, str(tmp_path / "runs"))
    wait_until((tmp_path / "runs").exists, what="the job runs")
    assert JobState.RUNNING is job.state
    assert job.host
    assert isinstance(job.pid, int)
    assert "running" in repr(job)
    job.kill()
    job.join()


def test_a_job_measures_what_it_used(start: Any) -> None:
    job = start(targets.sleep, 0.05)
    job.join()
    assert 0.05 <= job.usage.wall < 5
    assert job.usage.cpu < 0.05
    assert job.usage.peak_memory > 1_000_000


class Counting(Job):
    def __init__(self, upto: int, **options: Any) -> None:
        super().__init__(**options)
        self.upto = upto
        self.seen: list[int] = []

    def run(self) -> str:
        self.total = sum(range(self.upto))
        self.seen.append(self.upto)
        if self.upto < 0:
            raise ValueError("negative")
        return "done"


def test_a_subclass_overrides_run(scheduler: Scheduler) -> None:
    job = Counting(4, scheduler=scheduler)
    job.start()
    assert "done" == job.result
    assert not hasattr(job, "total")


def test_the_attributes_of_a_mutable_job_come_back(scheduler: Scheduler) -> None:
    job = Counting(4, scheduler=scheduler, mutable=True)
    job.start()
    job.join()
    assert (6, [4], "done") == (job.total, job.seen, job.result)


def test_the_attributes_of_a_mutable_job_that_raised_come_back(scheduler: Scheduler) -> None:
    job = Counting(-1, scheduler=scheduler, mutable=True)
    job.start()
    job.join()
    assert (0, [-1]) == (job.total, job.seen)
    with pytest.raises(ValueError, match="negative"):
        _ = job.result


# -- failures ---------------------------------------------------------------------------------


def test_an_exception_arrives_as_itself_and_tells_its_story(start: Any) -> None:
    job = start(targets.fail_at, 1, 1)
    with pytest.raises(ZeroDivisionError, match="at 1") as caught:
        _ = job.result
    assert "in fail_at" in str(caught.value.__cause__)
    note = caught.value.__notes__[-1]  # type: ignore[attr-defined]
    assert job.name in note
    assert job.host in note
    assert "attempt 1" in note
    assert (1, JobState.FAILED) == (job.exitcode, job.state)
    assert job.exception is caught.value


def test_an_exception_with_an_odd_constructor_arrives(start: Any) -> None:
    job = start(targets.fail_with_two_arguments)
    assert isinstance(job.exception, targets.TwoArguments)
    assert ("text, 2", 2) == (str(job.exception), job.exception.second)


def test_an_unpicklable_exception_arrives_as_something_clear(start: Any) -> None:
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
def test_a_result_that_cannot_travel_is_a_clear_error(start: Any, target: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        _ = start(target).result
    assert 4 == start(targets.square, 2).result


def test_a_bad_result_harms_no_other_call_of_its_map(scheduler: Scheduler) -> None:
    def some(x: int) -> Any:
        return (i for i in range(x)) if x == 3 else x

    got = gridengine.map(some, range(6), scheduler=scheduler, reraise=False, chunksize=6)
    assert [0, 1, 2, 4, 5] == [x for x in got if not gridengine.raised(x)]
    assert isinstance(got[3], gridengine.PackingError)


def test_a_result_that_cannot_be_rebuilt_fails_its_own_job(start: Any) -> None:
    with pytest.raises(gridengine.UnpackingError, match="no, not here"):
        _ = start(targets.explode_here).result
    assert 4 == start(targets.square, 2).result


@pytest.mark.parametrize(("status", "exitcode"), [(3, 3), ("text", 1)])
def test_sys_exit_with_a_status_is_an_error_that_names_it(
    start: Any, status: Any, exitcode: int
) -> None:
    job = start(targets.leave, status)
    with pytest.raises(gridengine.JobExited, match=repr(status)):
        _ = job.result
    assert exitcode == job.exitcode


@pytest.mark.parametrize("status", [0, None])
def test_sys_exit_with_success_is_success(start: Any, status: Any) -> None:
    job = start(targets.leave, status)
    assert job.result is None
    assert 0 == job.exitcode


def test_a_worker_that_is_killed_every_time_is_a_death(start: Any) -> None:
    job = start(targets.kill_self)
    with pytest.raises(JobDied, match="SIGKILL") as caught:
        _ = job.result
    died = caught.value
    assert ("SIGKILL", 2, -9) == (died.signal, died.attempt, died.exitcode)  # type: ignore[attr-defined]
    assert (JobState.DIED, -9, 2) == (job.state, job.exitcode, job.attempts)


def test_a_worker_that_is_killed_once_is_not_noticed(start: Any, tmp_path: Path) -> None:
    job = start(targets.kill_self_once, str(tmp_path / "killed"), 5)
    assert (5, 2) == (job.result, job.attempts)


def test_without_retries_one_death_is_enough(start: Any, tmp_path: Path) -> None:
    job = start(targets.kill_self_once, str(tmp_path / "killed"), 5, retries=0)
    assert isinstance(job.exception, JobDied)
    assert 1 == job.attempts


def test_an_exception_is_tried_again_if_wanted(start: Any, tmp_path: Path) -> None:
    job = start(targets.fail_once, str(tmp_path / "failed"), 5, retries=1)
    assert (5, 2) == (job.result, job.attempts)
    job = start(targets.fail_once, str(tmp_path / "failed again"), 5)
    assert isinstance(job.exception, OSError)


@pytest.mark.parametrize("chunksize", [None, 10, 100])
def test_the_guilty_call_is_found_and_the_others_are_kept(
    scheduler: Scheduler, chunksize: int | None
) -> None:
    f = functools.partial(targets.kill_self_at, bad=57)
    got = gridengine.map(f, range(100), scheduler=scheduler, reraise=False, chunksize=chunksize)
    assert isinstance(got[57], JobDied)
    assert (57, "57") == (got[57].death.index, got[57].death.input)
    assert [x for x in range(100) if x != 57] == [x for x in got if not gridengine.raised(x)]


@pytest.mark.parametrize(("end", "signum"), [("terminate", signal.SIGTERM), ("kill", 9)])
def test_a_running_job_can_be_ended(start: Any, tmp_path: Path, end: str, signum: int) -> None:
    job = start(targets.touch_and_wait, str(tmp_path / "runs"))
    wait_until((tmp_path / "runs").exists, what="the job runs")
    getattr(job, end)()
    job.join()
    assert (JobState.CANCELLED, -signum) == (job.state, job.exitcode)
    with pytest.raises(gridengine.JobCancelled):
        _ = job.result


def test_a_waiting_job_can_be_taken_back(scheduler: Scheduler, start: Any, tmp_path: Path) -> None:
    blockers = [start(targets.touch_and_wait, str(tmp_path / str(i))) for i in range(8)]
    waiting = start(targets.square, 3)
    waiting.terminate()
    waiting.join()
    assert (JobState.CANCELLED, -signal.SIGTERM) == (waiting.state, waiting.exitcode)
    for job in blockers:
        job.kill()
    for job in blockers:
        job.join()


def test_a_job_over_its_timeout_is_ended(start: Any) -> None:
    job = start(targets.sleep, 60.0, timeout=0.2)
    with pytest.raises(gridengine.JobTimeout, match=r"0\.2 s"):
        _ = job.result
    assert 4 == start(targets.square, 2, timeout=20.0).result


def test_a_job_over_its_timeout_is_tried_again_as_often_as_it_says(start: Any) -> None:
    job = start(targets.sleep, 60.0, timeout=0.2, retries=2)
    assert isinstance(job.exception, gridengine.JobTimeout)
    assert job.attempts == 3


def test_fresh_workers_have_seen_no_other_job() -> None:
    with ProcessScheduler(2, fresh=True) as fresh:
        pids = gridengine.map(targets.pid, range(6), scheduler=fresh)
        jobs = [Job(target=targets.pid, scheduler=fresh) for _ in range(6)]
        for job in jobs:
            job.start()
        pids += [job.result for job in jobs]
    assert len(set(pids)) == 12


# -- JobDispatcher ----------------------------------------------------------------------------


def test_a_dispatcher_joins_in_order(scheduler: Scheduler) -> None:
    with gridengine.JobDispatcher(scheduler) as dispatcher:
        dispatcher.dispatch(Job(target=targets.square, args=(i,)) for i in range(100))
        with pytest.raises(RuntimeError, match="join"):
            dispatcher.dispatch([])
        assert [i * i for i in range(100)] == dispatcher.join()
        assert dispatcher.start_time <= dispatcher.end_time
        assert 0 < dispatcher.elapsed_time < 60
        dispatcher.dispatch([Job(target=targets.square, args=(3,))])
        assert [9] == dispatcher.join()


def test_a_join_that_times_out_leaves_the_jobs_running(
    scheduler: Scheduler, tmp_path: Path
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


def test_a_dispatcher_can_give_exceptions_a_place_in_the_list(scheduler: Scheduler) -> None:
    with gridengine.JobDispatcher(scheduler) as dispatcher:
        dispatcher.dispatch([Job(target=targets.fail_at, args=(x, 1)) for x in range(3)])
        first, second, third = dispatcher.join(reraise=False)
    assert (0, 2) == (first, third)
    assert isinstance(second, ZeroDivisionError)
