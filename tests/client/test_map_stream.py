"""The stream that every map is made of: lazy, bounded, in order or as it comes."""

from __future__ import annotations

import functools
import itertools
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine.client.map_stream import stream
from gridengine.client.results import values_of as read_values
from gridengine.client.stream_control import Arrived, Arriving, StreamControl
from gridengine.dispatcher.registry import dispatcher_for
from gridengine.ledger.task import Outcome, Place, Task
from gridengine.schedulers import ProcessScheduler
from gridengine.serialization.exceptions import pack_error
from gridengine.serialization.functions import pack_function
from gridengine.serialization.packed import Function
from gridengine.serialization.serializer import pack
from gridengine.states import Mode

from .. import targets
from ..waiting import wait_until

Runs = Generator[list[Any], None, None]

#: Seconds by which a timeout may be late.
SLACK = 0.2


def stream_of(
    scheduler: ProcessScheduler, f: Callable[[Any], Any], items: Iterable[Any], **options: Any
) -> Runs:
    return stream(dispatcher_for(scheduler), pack_function(f), items, Mode.MAP, **options)


def values_of(runs: Iterable[list[Any]]) -> Iterator[Any]:
    return itertools.chain.from_iterable(runs)


class Drawn:
    """An endless input that knows how much of it has been drawn, and what it was worst ahead."""

    def __init__(self) -> None:
        self.count = self.taken = self.most_ahead = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.count += 1
        self.most_ahead = max(self.most_ahead, self.count - self.taken)
        return self.count - 1


@pytest.fixture
def others(tmp_path: Path) -> Callable[[int, int], Callable[[int], int]]:
    """Makes a function whose call ``slow`` waits until ``count`` other calls were made."""

    def make(slow: int, count: int) -> Callable[[int], int]:
        def f(x: int) -> int:
            if x != slow:
                (tmp_path / str(x)).touch()
            else:
                end = time.monotonic() + 20
                while len(os.listdir(tmp_path)) < count and time.monotonic() < end:
                    time.sleep(0.005)
                assert len(os.listdir(tmp_path)) >= count
            return x

        return f

    return make


# ---------------------------------------------------------------------- what comes, and when


def test_each_run_is_a_list_of_the_values_of_one_task(laptop: ProcessScheduler) -> None:
    runs = list(stream_of(laptop, targets.square, range(8), chunksize=3))
    # On a busy machine a worker may be asked for what it has before the task is done.
    ends = set(itertools.accumulate(map(len, runs)))
    assert {3, 6, 8} <= ends
    assert [x * x for x in range(8)] == [value for run in runs for value in run]


@pytest.mark.parametrize("make", [range, lambda n: list(range(n)), lambda n: iter(range(n))])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("buffersize", [None, 1, 100])
def test_the_values_are_all_there(
    laptop: ProcessScheduler, make: Callable[[int], Any], ordered: bool, buffersize: int | None
) -> None:
    runs = stream_of(laptop, targets.give, make(500), ordered=ordered, buffersize=buffersize)
    got = list(values_of(runs))
    assert list(range(500)) == (got if ordered else sorted(got))


def slow_but_for(x: int, fast: int) -> int:
    if x != fast:
        time.sleep(600)
    raise ZeroDivisionError(f"at {x}")


def test_a_failure_is_told_at_once_though_calls_before_it_run() -> None:
    with ProcessScheduler(2) as scheduler:
        f = functools.partial(slow_but_for, fast=1)
        began = time.monotonic()
        with pytest.raises(ZeroDivisionError, match="at 1"):
            list(stream_of(scheduler, f, range(2), chunksize=1))
        assert time.monotonic() - began < 20


def test_nothing_is_drawn_before_the_first_run_is_asked_for(laptop: ProcessScheduler) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, targets.give, drawn)
    assert 0 == drawn.count
    assert 0 == next(values_of(runs))
    assert drawn.count > 0
    runs.close()


def test_of_an_endless_input_little_more_is_drawn_than_is_taken(laptop: ProcessScheduler) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, targets.give, drawn, chunksize=5, buffersize=50)
    values = values_of(runs)
    for number in range(1000):
        assert number == next(values)
        drawn.taken += 1
    # What was taken last is of a run that has not been taken as a whole.
    assert 50 <= drawn.most_ahead <= 50 + 5
    runs.close()


@pytest.mark.parametrize("ordered", [True, False])
def test_a_consumer_that_stops_lets_nothing_pile_up(
    laptop: ProcessScheduler, ordered: bool
) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, targets.give, drawn, ordered=ordered)
    values = values_of(runs)
    for _ in range(10):
        next(values)
    seen = drawn.count
    # All that is under way is done meanwhile, and another map too.
    assert list(range(100)) == gridengine.map(targets.give, range(100), scheduler=laptop)
    assert seen == drawn.count
    runs.close()
    assert seen == drawn.count


def take_10_ms(x: int) -> int:
    time.sleep(0.01)
    return x


#: Tasks that keep two workers busy: 8 that take 20 ms, and twice as many that take half as long.
BUSY = 16


def test_a_slow_consumer_lets_nothing_pile_up(laptop: ProcessScheduler) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, take_10_ms, drawn, chunksize=1, ordered=False)
    for _ in range(30):
        next(runs)
        drawn.taken += 1
        # Both workers could have done three more.
        time.sleep(0.03)
    # What is taken counts from when the next is asked for.
    assert drawn.most_ahead <= BUSY + 1
    runs.close()


# Where workers are slow to have their turn, more of the others would be made meanwhile.
@pytest.mark.alone
def test_what_has_piled_up_behind_a_slow_call_is_taken_before_more_is_drawn(
    laptop: ProcessScheduler, others: Any
) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, others(0, 6000), drawn, chunksize=1)
    assert [0] == next(runs)
    seen = drawn.count
    assert seen > 6000
    for number in range(1, 1000):
        assert [number] == next(runs)
    assert seen == drawn.count
    runs.close()


def test_values_that_wait_behind_a_slow_call_are_bounded_by_the_buffer(
    laptop: ProcessScheduler, others: Any
) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, others(0, 7), drawn, chunksize=1, buffersize=8)
    for number in range(20):
        assert [number] == next(runs)
        drawn.taken += 1
    assert 8 <= drawn.most_ahead <= 8 + 1
    runs.close()


def test_without_a_buffersize_a_slow_call_keeps_nobody_from_work(
    laptop: ProcessScheduler, others: Any
) -> None:
    runs = stream_of(laptop, others(0, 299), range(300), chunksize=1)
    assert list(range(300)) == list(values_of(runs))


def test_unordered_values_come_as_they_are_done(laptop: ProcessScheduler, tmp_path: Path) -> None:
    have_come = tmp_path / "the others have come"

    def first_comes_last(x: int) -> int:
        end = time.monotonic() + 20
        while x == 0 and not have_come.exists() and time.monotonic() < end:
            time.sleep(0.005)
        return x

    values = values_of(stream_of(laptop, first_comes_last, range(30), chunksize=1, ordered=False))
    got = [next(values) for _ in range(29)]
    have_come.touch()
    got.extend(values)
    assert list(range(30)) == sorted(got)
    assert 0 == got[-1]


def test_what_is_ready_does_not_wait_for_items_that_are_slow_to_come(
    laptop: ProcessScheduler,
) -> None:
    gridengine.map(targets.give, range(100), scheduler=laptop)
    drawn = []

    def slow() -> Iterator[int]:
        for number in range(20):
            time.sleep(0.1)
            drawn.append(number)
            yield number

    runs = stream_of(laptop, targets.give, slow())
    assert [0] == next(runs)
    # The call takes a millisecond; a map would have drawn eight before it looks for answers.
    assert len(drawn) < 5
    runs.close()


# ---------------------------------------------------------------------- how it ends


def tell_and_sleep(folder: Path, x: int) -> None:
    """Tells that it runs, and where: never ends by itself."""
    (folder / f"{x} {os.getpid()}").touch()
    time.sleep(600)


def running(folder: Path) -> list[str]:
    """Returns which of those run."""
    return [name for name in os.listdir(folder) if psutil.pid_exists(int(name.split()[1]))]


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_closing_it_early_cancels_what_is_under_way(
    laptop: ProcessScheduler, tmp_path: Path, how: str
) -> None:
    def f(x: int) -> int:
        if x:
            tell_and_sleep(tmp_path, x)
        return x

    runs = stream_of(laptop, f, itertools.count(), chunksize=1)
    assert [0] == next(runs)
    wait_until(lambda: running(tmp_path), what="a call runs")
    if how == "closed":
        runs.close()
    else:
        del runs
    wait_until(lambda: not running(tmp_path), what="all are killed")
    # Those that waited are not begun by the workers that come after.
    seen = os.listdir(tmp_path)
    assert [4] == gridengine.map(targets.square, [2], scheduler=laptop)
    assert seen == os.listdir(tmp_path)


def test_closing_one_that_was_never_asked_does_nothing(laptop: ProcessScheduler) -> None:
    drawn = Drawn()
    runs = stream_of(laptop, targets.give, drawn)
    runs.close()
    assert 0 == drawn.count
    assert [] == list(runs)


def test_an_error_of_the_input_is_raised_at_once_and_cancels(
    laptop: ProcessScheduler, tmp_path: Path
) -> None:
    error = LookupError("no more")

    def items() -> Iterator[int]:
        yield 1
        wait_until(lambda: running(tmp_path), what="the call runs")
        raise error

    runs = stream_of(laptop, functools.partial(tell_and_sleep, tmp_path), items())
    with pytest.raises(LookupError) as raised:
        next(runs)
    assert error is raised.value
    assert "items" in [entry.name for entry in raised.traceback]
    wait_until(lambda: not running(tmp_path), what="the call is killed")


def test_a_second_ctrl_c_does_not_keep_it_from_cancelling(
    laptop: ProcessScheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = dispatcher_for(laptop)
    cancel = dispatcher.cancel
    interrupted: list[object] = []

    def cancel_late(tasks: Iterable[Task]) -> None:
        if not interrupted:
            interrupted.append(tasks)
            raise KeyboardInterrupt("the second")
        cancel(tasks)

    def items() -> Iterator[int]:
        yield 1
        wait_until(lambda: running(tmp_path), what="the call runs")
        raise KeyboardInterrupt("the first")

    monkeypatch.setattr(dispatcher, "cancel", cancel_late)
    runs = stream_of(laptop, functools.partial(tell_and_sleep, tmp_path), items())
    with pytest.raises(KeyboardInterrupt, match="the second"):
        next(runs)
    assert len(interrupted) == 1
    wait_until(lambda: not running(tmp_path), what="the call is killed")


def test_an_error_of_a_call_comes_after_the_values_before_it() -> None:
    got: list[int] = []
    # Another worker could fail before those are answered for.
    with ProcessScheduler(1) as scheduler:
        fail = functools.partial(targets.fail_at, bad=7)
        runs = stream_of(scheduler, fail, itertools.count(), chunksize=5)
        with pytest.raises(ZeroDivisionError, match="at 7"):
            got.extend(values_of(runs))
    # Of the task that failed those that had been answered for by then.
    assert 5 <= len(got) <= 7
    assert list(range(len(got))) == got


def test_errors_can_take_the_places_of_values(laptop: ProcessScheduler) -> None:
    f = functools.partial(targets.fail_at, bad=7)
    got = list(values_of(stream_of(laptop, f, range(10), chunksize=5, reraise=False)))
    assert isinstance(got.pop(7), ZeroDivisionError)
    assert [0, 1, 2, 3, 4, 5, 6, 8, 9] == got


def test_an_item_that_cannot_travel_is_named(laptop: ProcessScheduler) -> None:
    runs = stream_of(laptop, targets.give, (threading.Lock() if x == 3 else x for x in range(9)))
    with pytest.raises(gridengine.PackingError, match="the argument of call 3"):
        list(runs)


def test_a_map_raises_a_stop_iteration_of_a_call_as_itself(laptop: ProcessScheduler) -> None:
    with pytest.raises(StopIteration) as raised:
        gridengine.map(targets.fail, [StopIteration()], scheduler=laptop)
    assert gridengine.raised(raised.value)


# ---------------------------------------------------------------------- in time


def late(call: Callable[[], object], timeout: float) -> float:
    """Returns by how much a call is late with its TimeoutError, at the best of three attempts.

    What else the machine does only makes it later.
    """
    took = []
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(gridengine.TimeoutError):
            call()
        took.append(time.monotonic() - began - timeout)
        if took[-1] < SLACK:
            break
    return min(took)


def slow_after_many() -> Iterator[int]:
    yield from range(10_000)
    for number in itertools.count():
        time.sleep(0.05)
        yield number


@pytest.mark.parametrize("chunksize", [None, 100_000])
@pytest.mark.parametrize(
    ("f", "items"),
    [
        pytest.param(lambda x: x, itertools.count, id="answers stream in"),
        pytest.param(targets.give, slow_after_many, id="items are slow to come"),
        pytest.param(lambda x: time.sleep(60), lambda: range(4), id="calls are slow"),
    ],
)
def test_a_timeout_is_kept(
    laptop: ProcessScheduler, f: Any, items: Callable[[], Any], chunksize: int | None
) -> None:
    def call() -> None:
        gridengine.map(f, items(), scheduler=laptop, timeout=0.5, chunksize=chunksize)

    assert 0 <= late(call, 0.5) < SLACK


@pytest.mark.parametrize(("chunksize", "done"), [(1, "1 call was"), (2, "2 calls were")])
def test_time_is_up_for_a_slow_consumer_too(
    laptop: ProcessScheduler, chunksize: int, done: str
) -> None:
    end = time.monotonic() + 1.0
    runs = stream_of(
        laptop, targets.give, range(6), chunksize=chunksize, buffersize=chunksize, end=end
    )
    assert [*range(chunksize)] == next(runs)
    time.sleep(max(0.0, end - time.monotonic()))
    with pytest.raises(gridengine.TimeoutError, match=done):
        next(runs)


class Late(Arriving):
    """Items of which each comes just after it was seen that nothing is there."""

    def __init__(self, items: list[int], control: StreamControl) -> None:
        self.items = items
        self.control = control

    def pending(self) -> bool:
        # By whoever asks once more, it is there.
        return False

    def arrived(self) -> Arrived:
        return LateOnes(self)

    def __iter__(self) -> Iterator[int]:
        return iter(self.items)


class LateOnes(Arrived):
    def __init__(self, late: Late) -> None:
        self.late = late
        self.turn = 0

    def __next__(self) -> int:
        self.turn += 1
        self.waits = self.turn % 2 == 1 and bool(self.late.items)
        if self.waits:
            self.late.control.look_again()
        if self.waits or not self.late.items:
            raise StopIteration
        return self.late.items.pop(0)


def test_what_comes_just_after_nothing_was_there_is_not_lost(laptop: ProcessScheduler) -> None:
    control = StreamControl()
    runs = stream_of(laptop, abs, Late([-1, -2, -3], control), control=control)
    assert [1, 2, 3] == list(values_of(runs))


def test_behind_a_call_without_an_answer_no_value_is_in_its_place() -> None:
    place = Place("host", 1, "1")
    task = Task(Function(b"", b"", (), "f"), Mode.MAP, b"", name="f", size=6, fail_fast=True)
    failure = {4: pack_error(ValueError("four"))}
    answered = ((0, 2, [0, 1], {}), (3, 6, [3, None, None], failure))
    task.outcomes = [
        Outcome(lo, hi, *pack(values, "values"), failures, 0.0, 0.0, 0, place)
        for lo, hi, values, failures in answered
    ]
    values, error = read_values(task, reraise=True)
    assert (values, repr(error)) == ([0, 1], "ValueError('four')")
