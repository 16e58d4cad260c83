"""An InlineScheduler runs jobs in this process and thread; all else is as elsewhere."""

from __future__ import annotations

import bdb
import functools
import inspect
import itertools
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine import Job, JobCancelled, JobDispatcher, JobExited, JobState, PackingError
from gridengine.client.map_stream import stream
from gridengine.dispatcher.dispatcher import Dispatcher
from gridengine.dispatcher.inline import InlineDispatcher
from gridengine.dispatcher.registry import dispatcher_for, open_dispatchers
from gridengine.ledger.events import JobRetried, JobsOver, JobsStarted, JobsSubmitted
from gridengine.schedulers import (
    InlineScheduler,
    ProcessScheduler,
    best_available,
    choice,
    current,
)
from gridengine.serialization.functions import pack_function
from gridengine.states import Mode

from .. import targets


@pytest.fixture
def inline() -> Iterator[InlineScheduler]:
    """In its ``with``."""
    with InlineScheduler() as scheduler:
        yield scheduler


def here() -> tuple[int, int]:
    """Returns which process and thread this is."""
    return os.getpid(), threading.get_ident()


def started(target: Any, *args: Any, **options: Any) -> Job[Any]:
    """Returns a job that was started."""
    job = Job(target=target, args=args, **options)
    job.start()
    return job


def public(kind: type) -> dict[str, Any]:
    """Returns what a class offers."""
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


def test_its_dispatcher_has_the_interface_of_the_other() -> None:
    ours, theirs = public(InlineDispatcher), public(Dispatcher)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        if inspect.isfunction(value):
            assert inspect.signature(ours[name]) == inspect.signature(value), name


def test_jobs_and_maps_run_in_this_process_and_thread(inline: InlineScheduler) -> None:
    before = threading.active_count()
    assert gridengine.map(lambda _: here(), range(3)) == [here()] * 3
    job = started(here)
    assert job.state is JobState.FINISHED
    assert (job.result, job.pid, job.attempts, job.exitcode) == (here(), os.getpid(), 1, 0)
    with JobDispatcher() as dispatcher:
        dispatcher.dispatch(Job(target=here) for _ in range(2))
        assert dispatcher.join() == [here()] * 2
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["inline", InlineScheduler])
def test_it_is_had_by_name_and_by_class(name: Any) -> None:
    assert gridengine.map(lambda _: here(), [0], scheduler=name) == [here()]
    choice.scheduler_for(name).close()


def test_the_variable_decides_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test's, maybe.
    monkeypatch.setattr(choice, "_best", None)
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "inline")
    with best_available() as scheduler:
        assert isinstance(scheduler, InlineScheduler)


@pytest.mark.usefixtures("inline")
def test_arguments_and_results_are_copies() -> None:
    kept = [0]
    array = np.zeros(100_000)

    def change(numbers: list[int], array: Any) -> list[Any]:
        numbers.append(1)
        kept.append(1)
        array[0] = 1
        return [numbers, array]

    (numbers, changed), _ = gridengine.map(change, [kept] * 2, [array] * 2)
    assert (numbers, kept, changed[0], array[0]) == ([0, 1], [0], 1, 0)
    mine, of_job = started(change, kept, array).result
    assert (mine, kept, of_job[0], array[0]) == ([0, 1], [0], 1, 0)
    giver = started(lambda: array)
    giver.result[0] = 7
    assert array[0] == 0


@pytest.mark.usefixtures("inline")
def test_what_cannot_travel_fails_as_elsewhere() -> None:
    lock = threading.Lock()
    with pytest.raises(PackingError, match="lock"):
        started(targets.give, lock)
    assert isinstance(started(targets.a_lock, 0).exception, PackingError)
    with pytest.raises(PackingError, match=r"argument of call 1.*lock"):
        gridengine.map(targets.give, [1, lock])
    one, error = gridengine.map(
        lambda x: targets.a_lock(x) if x else x, [0, 1], reraise=False, chunksize=2
    )
    assert one == 0
    assert isinstance(error, PackingError)


@pytest.mark.usefixtures("inline")
def test_an_exception_arrives_as_elsewhere_and_has_its_own_frames() -> None:
    for error in (
        started(targets.fail, ValueError("bad")).exception,
        *gridengine.map(targets.fail, [ValueError("bad")], reraise=False),
    ):
        assert isinstance(error, ValueError)
        assert gridengine.raised(error)
        assert str(error.__cause__).strip().startswith("Traceback")
        if sys.version_info >= (3, 11):
            assert f"(process {os.getpid()}" in error.__notes__[-1]
        assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == ["fail"]


@pytest.mark.usefixtures("inline")
def test_sys_exit_is_an_exit_of_the_job() -> None:
    assert isinstance(started(targets.leave, 3).exception, JobExited)
    assert started(targets.leave, 0).result is None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, bdb.BdbQuit])
@pytest.mark.usefixtures("inline")
def test_what_is_for_the_program_reaches_it(kind: type[BaseException]) -> None:
    job = Job(target=targets.fail, args=(kind(),))
    with pytest.raises(kind):
        job.start()
    with pytest.raises(kind):
        gridengine.map(targets.fail, [kind()], reraise=False)
    assert gridengine.map(abs, [-1]) == [1]


def test_a_job_that_raised_is_tried_again(inline: InlineScheduler) -> None:
    heard: list[Any] = []
    dispatcher_for(inline).observe(heard.append)
    _tries[:] = [0]
    assert started(_fail_twice, retries=2).attempts == 3
    assert [type(event) for event in heard] == [
        JobsSubmitted, JobsStarted, JobRetried, JobsStarted, JobRetried, JobsStarted, JobsOver,
    ]  # fmt: skip
    _tries[:] = [0]
    assert isinstance(started(_fail_twice, retries=1).exception, ValueError)


_tries = [0]


def _fail_twice() -> None:
    # This module's globals are the program's.
    _tries[0] += 1
    if _tries[0] < 3:
        raise ValueError(_tries[0])


def _nested(depth: int) -> list[Any]:
    if not depth:
        return [here()]
    assert isinstance(current(), InlineScheduler)
    return [*gridengine.map(_nested, [depth - 1])[0], *started(_nested, depth - 1).result]


def test_jobs_within_jobs_run_here_too() -> None:
    with ProcessScheduler(1):
        job = started(_nested, 3, scheduler=InlineScheduler())
        assert job.result == [here()] * 8
        # Only within.
        assert isinstance(current(), ProcessScheduler)


_shared = InlineScheduler()


def _leave_the_with() -> list[int]:
    with _shared:
        return gridengine.map(abs, [-1])


def test_a_job_that_closes_its_own_scheduler_goes_on() -> None:
    with _shared:
        assert started(_leave_the_with).result == [1]
        assert started(_leave_the_with).result == [1]
    assert open_dispatchers() == []


def test_threads_run_jobs_at_the_same_time(inline: InlineScheduler) -> None:
    both = threading.Barrier(2)
    _gates["both"] = both
    found: list[Any] = []

    def work() -> None:
        found.append(started(_meet, scheduler=inline).result)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {len({*found}), len(found)} == {2}


_gates: dict[str, Any] = {}


def _meet() -> int:
    _gates["both"].wait(30)
    return threading.get_ident()


def _wait_for_the_gate() -> str:
    _gates["began"].set()
    _gates["gate"].wait(30)
    return "done"


@pytest.mark.parametrize("failed", [False, True])
def test_leaving_a_with_waits_for_other_threads_or_cancels(failed: bool) -> None:
    _gates.update(began=threading.Event(), gate=threading.Event())
    scheduler = InlineScheduler()
    job = Job(target=_wait_for_the_gate, scheduler=scheduler)
    thread = threading.Thread(target=job.start)
    with pytest.raises(LookupError) if failed else open(os.devnull), scheduler:
        thread.start()
        assert _gates["began"].wait(30)
        if failed:
            raise LookupError
        _gates["gate"].set()
    _gates["gate"].set()
    thread.join()
    if failed:
        assert isinstance(job.exception, JobCancelled)
    else:
        assert job.result == "done"


def test_a_map_draws_an_item_when_its_value_is_wanted(inline: InlineScheduler) -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            drawn.append(number)
            yield number

    values = gridengine.imap(targets.square, items(), chunksize=1)
    assert [next(values) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert drawn == [0, 1, 2, 3, 4]
    values.close()
    dispatcher, f = dispatcher_for(inline), pack_function(targets.sleep)
    runs = stream(dispatcher, f, [0.002] * 4, Mode.MAP)
    assert [len(run) for run in runs] == [1] * 4


@pytest.mark.usefixtures("inline")
def test_after_a_failure_nothing_more_is_drawn() -> None:
    items = iter(range(5))
    with pytest.raises(ZeroDivisionError):
        gridengine.map(functools.partial(targets.fail_at, bad=1), items, chunksize=1)
    assert next(items) == 2


def _inline_within(count: int) -> tuple[bool, list[int]]:
    registry: list[int] = []
    globals()["_registry"] = registry
    with InlineScheduler():
        lengths = gridengine.map(_note, range(count))
    return globals()["_registry"] is registry, lengths


def _note(number: int) -> int:
    globals()["_registry"].append(number)
    return len(globals()["_registry"])


def test_within_a_worker_it_changes_no_globals() -> None:
    with ProcessScheduler(1) as scheduler:
        assert started(_inline_within, 3, scheduler=scheduler).result == (True, [1, 2, 3])


@pytest.mark.usefixtures("inline")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_the_child_of_a_job_that_forks_does_not_go_on() -> None:
    def fork() -> int:
        child = os.fork()
        return os.waitpid(child, 0)[1] if child else 0

    assert started(fork).result == 0


def test_a_closed_one_takes_no_more_and_a_new_one_does(inline: InlineScheduler) -> None:
    dispatcher = dispatcher_for(inline)
    inline.close()
    assert dispatcher.closed
    assert gridengine.map(abs, [-1]) == [1]
