"""A map in a job that has one core runs in place, and nobody can tell but by the processes."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine import Job, raised
from gridengine.client.in_place import stream_in_place
from gridengine.client.map_stream import stream
from gridengine.dispatcher.registry import dispatcher_for, open_dispatchers
from gridengine.schedulers import ProcessScheduler
from gridengine.serialization.functions import pack_function
from gridengine.states import Mode

from .. import targets


@pytest.fixture
def in_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is one of a job that was granted one core."""
    monkeypatch.setenv("GRIDENGINE_GRANTED", "1:7.1:")


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessScheduler]:
    """One worker."""
    # Not by `with`, in which it would be what maps use that name no other.
    with contextlib.closing(ProcessScheduler(1)) as scheduler:
        # All is open that will be, the shared memory of both sides too.
        gridengine.map(targets.give, [np.arange(100_000)], scheduler=scheduler)
        yield scheduler


@pytest.fixture(params=["in place", "in a process"])
def scheduler(
    request: pytest.FixtureRequest, process: ProcessScheduler, monkeypatch: pytest.MonkeyPatch
) -> ProcessScheduler | None:
    """Nothing, in what is a job of one core; and a scheduler, for the same."""
    if request.param == "in a process":
        return process
    monkeypatch.setenv("GRIDENGINE_GRANTED", "1:1.1:")
    assert gridengine.map(targets.pid, [0]) == [os.getpid()]
    return None


@pytest.mark.usefixtures("in_job")
def test_it_starts_nothing() -> None:
    before = threading.active_count(), open_dispatchers()
    assert gridengine.map(targets.pid, range(100)) == [os.getpid()] * 100
    assert (threading.active_count(), open_dispatchers()) == before


@pytest.mark.usefixtures("in_job")
def test_with_a_timeout_it_has_a_process_that_can_be_ended() -> None:
    with pytest.raises(gridengine.TimeoutError):
        gridengine.map(targets.sleep, [60], timeout=0.1)
    gridengine.schedulers.best_available().close()


@pytest.mark.parametrize("cores", [2, 3])
def test_with_several_cores_it_has_a_process_for_each(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setenv("GRIDENGINE_GRANTED", f"{cores}:1.1:")
    with gridengine.schedulers.best_available() as scheduler:
        assert isinstance(scheduler, ProcessScheduler)
        assert scheduler.max_workers == cores
        assert gridengine.map(targets.pid, [1])[0] != os.getpid()


def test_values_arrive_in_order(scheduler: ProcessScheduler | None) -> None:
    values = gridengine.map(targets.square, range(1000), scheduler=scheduler)
    assert values == [x * x for x in range(1000)]


def test_several_iterables_are_as_for_the_builtin(scheduler: ProcessScheduler | None) -> None:
    assert gridengine.map(targets.add, [1, 2, 3], (4, 5), scheduler=scheduler) == [5, 7]
    assert gridengine.map(targets.add, [], [1], scheduler=scheduler) == []


CHANGEABLE: list[Callable[[], Any]] = [
    lambda: [1, 2],
    lambda: {"a": [1]},
    lambda: [[1, [2]], 3],
    lambda: bytearray(b"abc"),
    lambda: np.arange(3),
    lambda: np.arange(100_000),
    lambda: {1, 2},
    lambda: ([1], 2),
    lambda: Holder([1, 2]),
    lambda: functools.partial(targets.give, [1]),
]


class Holder:
    """Has something."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def change(self) -> None:
        """Has something else."""
        self.value.append("changed")


def change(thing: Any) -> bool:
    """Changes a thing in place."""
    if isinstance(thing, (list, bytearray)):
        thing.append(99)
    elif isinstance(thing, dict):
        thing["a"].append("changed")
    elif isinstance(thing, set):
        thing.add(99)
    elif isinstance(thing, tuple):
        thing[0].append(99)
    elif isinstance(thing, Holder):
        thing.change()
    elif isinstance(thing, functools.partial):
        thing.args[0].append(99)
    else:
        thing[0] = 99
    return True


def shown(thing: Any) -> str:
    """Returns all that is in a thing, as text."""
    if isinstance(thing, Holder):
        return repr(thing.value)
    return repr(thing.args) if isinstance(thing, functools.partial) else repr(thing)


@pytest.mark.parametrize("make", CHANGEABLE)
def test_what_a_call_does_to_its_argument_the_caller_does_not_see(
    scheduler: ProcessScheduler | None, make: Callable[[], Any]
) -> None:
    thing, before = make(), shown(make())
    # Several, so that what serves for many is tried as well.
    assert gridengine.map(change, [thing, make()], scheduler=scheduler) == [True, True]
    assert shown(thing) == before


@pytest.mark.parametrize("make", CHANGEABLE)
def test_what_is_done_to_a_value_the_function_does_not_see(
    scheduler: ProcessScheduler | None, make: Callable[[], Any]
) -> None:
    thing, before = make(), shown(make())

    def give(_: int) -> Any:
        return thing

    for value in gridengine.map(give, range(2), chunksize=1, scheduler=scheduler):
        assert shown(value) == before
        change(value)
    for value in gridengine.map(give, range(2), chunksize=1, scheduler=scheduler):
        assert shown(value) == before


@pytest.mark.parametrize("make", CHANGEABLE)
def test_what_a_call_does_to_what_the_function_holds_the_caller_does_not_see(
    scheduler: ProcessScheduler | None, make: Callable[[], Any]
) -> None:
    thing, before = make(), shown(make())

    def closes_over(_: int) -> bool:
        return change(thing)

    def has_a_default(_: int, own: Any = thing) -> bool:
        return change(own)

    class Callable_:
        def __init__(self) -> None:
            self.own = thing

        def __call__(self, _: int) -> bool:
            return change(self.own)

    for f in (closes_over, has_a_default, Callable_(), functools.partial(both, thing)):
        assert gridengine.map(f, range(3), scheduler=scheduler) == [True] * 3
        assert shown(thing) == before


def both(thing: Any, _: int) -> bool:
    """Changes the first."""
    return change(thing)


def test_calls_do_not_share_their_arguments(scheduler: ProcessScheduler | None) -> None:
    thing = [0]
    assert gridengine.map(add_one, [thing, thing, thing], scheduler=scheduler) == [2, 2, 2]


def add_one(thing: list[int]) -> int:
    """Adds one, and returns how many there are."""
    thing.append(1)
    return len(thing)


def test_calls_share_what_their_function_holds(scheduler: ProcessScheduler | None) -> None:
    seen: list[int] = []

    def count(x: int) -> int:
        seen.append(x)
        return len(seen)

    assert gridengine.map(count, range(5), scheduler=scheduler) == [1, 2, 3, 4, 5]
    assert seen == []


def test_local_functions_that_call_each_other_and_classes_are_as_they_were(
    scheduler: ProcessScheduler | None,
) -> None:
    class Node:
        def __init__(self, depth: int) -> None:
            self.depth = depth

        @property
        def even(self) -> bool:
            return is_even(self.depth)

    class Leaf(Node):
        def __init__(self, depth: int) -> None:
            super().__init__(depth)

    def is_even(n: int) -> bool:
        return n == 0 or is_odd(n - 1)

    def is_odd(n: int) -> bool:
        return n != 0 and is_even(n - 1)

    assert gridengine.map(is_even, range(4), scheduler=scheduler) == [True, False, True, False]
    made = gridengine.map(Leaf, range(3), scheduler=scheduler)
    assert all(type(each) is Leaf for each in made)
    assert [each.even for each in made] == [True, False, True]
    assert gridengine.map(lambda leaf: leaf.even, made, scheduler=scheduler) == [True, False, True]


FAILURES: list[tuple[Callable[[Any], Any], Any]] = [
    (targets.fail, ValueError("bad")),
    (targets.fail, targets.TwoArguments("one", 2)),
    (targets.fail, StopIteration("over")),
    (targets.fail, KeyboardInterrupt()),
    (targets.leave, 3),
    (targets.leave, "text"),
    (targets.fail_unpicklably, 0),
    (targets.a_lock, 0),
    (targets.a_generator, 0),
    (targets.explode_here, 0),
]


def told(error: BaseException) -> tuple[Any, ...]:
    """Returns what a caller sees of a failure, without the numbers of processes."""
    place = f"on {os.uname().nodename} (process "
    notes = [note.partition(place)[0] for note in getattr(error, "__notes__", ())]
    cause = error.__cause__
    texts = [_without_addresses(str(error)), *notes]
    last = _without_addresses(str(cause).strip().rpartition("\n")[2])
    return type(error), texts, raised(error), type(cause), last


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", text)


@pytest.mark.parametrize(("f", "argument"), FAILURES)
def test_a_failure_is_told_in_place_as_by_a_process(
    process: ProcessScheduler,
    monkeypatch: pytest.MonkeyPatch,
    f: Callable[[Any], Any],
    argument: Any,
) -> None:
    def failures(scheduler: ProcessScheduler | None) -> list[Any]:
        found: list[Any] = []
        try:
            gridengine.map(f, [argument], scheduler=scheduler)
        except BaseException as error:
            found.append(told(error))
        # Only the middle one fails; the others have their values.
        mixed = functools.partial(_if, f, argument)
        values = gridengine.map(mixed, [0, 1, 0], chunksize=1, reraise=False, scheduler=scheduler)
        return [*found, *(told(v) if isinstance(v, BaseException) else v for v in values)]

    elsewhere = failures(process)
    monkeypatch.setenv("GRIDENGINE_GRANTED", "1:1.1:")
    here = failures(None)
    assert here == elsewhere
    assert here[1] == here[3] == "fine"


def _if(f: Callable[[Any], Any], argument: Any, bad: int) -> Any:
    return f(argument) if bad else "fine"


def test_the_remote_traceback_begins_with_the_function(scheduler: ProcessScheduler | None) -> None:
    (error,) = gridengine.map(targets.fail, [ValueError("bad")], reraise=False, scheduler=scheduler)
    lines = str(error.__cause__).strip().splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "in fail" in lines[1]


def test_sys_exit_without_a_status_is_no_failure(scheduler: ProcessScheduler | None) -> None:
    assert gridengine.map(targets.leave, [None, 0], scheduler=scheduler) == [None, None]


def test_an_item_that_cannot_travel_is_refused_and_named(
    scheduler: ProcessScheduler | None,
) -> None:
    with pytest.raises(gridengine.PackingError, match=r"argument of call 2.*lock"):
        gridengine.map(targets.give, [1, 2, threading.Lock()], scheduler=scheduler)


def test_a_function_that_cannot_travel_is_refused(scheduler: ProcessScheduler | None) -> None:
    lock = threading.Lock()
    with pytest.raises(gridengine.PackingError, match=r"the function.*lock"):
        gridengine.map(lambda _: lock.locked(), [1], scheduler=scheduler)


def test_an_item_that_cannot_be_rebuilt_fails_its_own_call(
    scheduler: ProcessScheduler | None,
) -> None:
    items = [1, targets.ExplodesHere(), 3]
    one, error, three = gridengine.map(targets.give, items, reraise=False, scheduler=scheduler)
    assert (one, three) == (1, 3)
    assert isinstance(error, RuntimeError)
    assert raised(error)


def test_an_error_of_the_items_is_raised_as_it_is(scheduler: ProcessScheduler | None) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        gridengine.map(targets.square, items(), scheduler=scheduler)


@pytest.mark.usefixtures("in_job")
def test_a_stream_draws_what_is_asked_for_and_no_more_than_a_run_ahead() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            drawn.append(number)
            yield number

    runs = stream_in_place(targets.square, items(), Mode.MAP, buffersize=4)
    assert drawn == []
    values = list(itertools.islice(itertools.chain.from_iterable(runs), 100))
    assert values == [x * x for x in range(100)]
    assert len(drawn) <= 104


@pytest.mark.usefixtures("in_job")
def test_calls_that_take_long_are_run_one_by_one() -> None:
    runs = stream_in_place(targets.sleep, [0.01] * 5, Mode.MAP)
    assert [len(run) for run in runs] == [1] * 5


@pytest.mark.usefixtures("in_job")
def test_after_a_failure_nothing_more_is_drawn() -> None:
    items = iter([0, 1, 2, 3, 4])
    with pytest.raises(ZeroDivisionError):
        gridengine.map(functools.partial(targets.fail_at, bad=1), items, chunksize=1)
    assert next(items) == 2


def test_values_before_the_failure_are_yielded_first(scheduler: ProcessScheduler | None) -> None:
    f = functools.partial(targets.fail_at, bad=3)
    options: dict[str, Any] = {"chunksize": 2}
    runs = (
        stream_in_place(f, range(9), Mode.MAP, **options)
        if scheduler is None
        else stream(dispatcher_for(scheduler), pack_function(f), range(9), Mode.MAP, **options)
    )
    values: list[int] = []
    with pytest.raises(ZeroDivisionError):
        values.extend(itertools.chain.from_iterable(runs))
    assert values[:2] == [0, 1]
    assert 3 not in values


def _three_levels(depth: int) -> list[Any]:
    if not depth:
        return [os.getpid()]
    return [x for run in gridengine.map(_three_levels, [depth - 1] * 2) for x in run]


def test_maps_within_maps_run_in_the_worker_of_the_outermost() -> None:
    with ProcessScheduler(2) as scheduler:
        runs = gridengine.map(_three_levels, [2] * 4, scheduler=scheduler, chunksize=1)
    assert all(len(run) == 4 and len(set(run)) == 1 for run in runs)
    assert os.getpid() not in itertools.chain(*runs)


def _map_in_threads(count: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]

    def work(number: int) -> None:
        found[number] = gridengine.map(lambda x: x + number, range(50))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_threads_of_a_job_map_at_once() -> None:
    with ProcessScheduler(1) as scheduler:
        job = Job(target=_map_in_threads, args=(4,), scheduler=scheduler)
        job.start()
        assert job.result == [list(range(number, number + 50)) for number in range(4)]
