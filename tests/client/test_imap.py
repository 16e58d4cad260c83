"""`imap` and `imap_unordered`, as a program uses them: on this host and on a cluster."""

from __future__ import annotations

import functools
import gc
import itertools
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import gridengine
from gridengine import Job, imap, imap_unordered
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from .. import targets
from ..conftest import warm
from ..waiting import wait_until

ROOT = Path(__file__).parent.parent.parent

Imap = Callable[..., Iterator[Any]]

both = pytest.mark.parametrize("face", [imap, imap_unordered])


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests of this file."""
    made: Scheduler
    if request.param == "process":
        made = ProcessScheduler(2)
    else:
        request.getfixturevalue("cluster")
        made = GridEngineScheduler(max_workers=2)
    with made:
        warm(made, 2)
        yield made


class Drawn:
    """An endless input that knows how much of it has been drawn."""

    def __init__(self) -> None:
        self.count = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.count += 1
        return self.count - 1


def wait_for_file(path: str, x: int, waits: int) -> int:
    """Call ``waits`` waits until there is a file; the others do not."""
    end = time.monotonic() + 40
    while x == waits and not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.005)
    return x


# ---------------------------------------------------------------------- what comes, and when


@both
@pytest.mark.parametrize("chunksize", [None, 1, 7])
@pytest.mark.parametrize("buffersize", [None, 1, 10])
def test_all_values_come_of_any_iterable(
    scheduler: Scheduler, face: Imap, chunksize: int | None, buffersize: int | None
) -> None:
    for items in (range(60), list(range(60)), (x for x in range(60)), {x: x for x in range(60)}):
        got = face(
            targets.square, items, scheduler=scheduler, chunksize=chunksize, buffersize=buffersize
        )
        values = list(got)
        assert [x * x for x in range(60)] == (values if face is imap else sorted(values))


@both
def test_several_iterables_end_with_the_shortest(scheduler: Scheduler, face: Imap) -> None:
    got = face(targets.add, itertools.count(), [10, 20, 30], scheduler=scheduler)
    assert [10, 21, 32] == sorted(got)


@both
@pytest.mark.parametrize("items", [(), [], range(0), iter("")])
def test_nothing_gives_nothing(scheduler: Scheduler, face: Imap, items: Any) -> None:
    assert [] == list(face(targets.square, items, scheduler=scheduler))


def test_values_come_in_order_though_the_first_call_is_slow(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    # The last call makes the file that the first one waits for.
    path = str(tmp_path / "go on")

    def f(x: int) -> int:
        if x == 29:
            open(path, "w").close()
        return wait_for_file(path, x, 0)

    assert list(range(30)) == list(imap(f, range(30), scheduler=scheduler, chunksize=1))


def test_unordered_a_slow_first_call_holds_nobody_back(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    path = tmp_path / "the others have come"
    f = functools.partial(wait_for_file, str(path), waits=0)
    values = imap_unordered(f, range(30), scheduler=scheduler, chunksize=1)
    others = list(itertools.islice(values, 29))
    path.touch()
    assert [0] == list(values)
    assert list(range(1, 30)) == sorted(others)


def test_the_first_values_are_there_while_later_calls_run(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    path = tmp_path / "two have come"
    f = functools.partial(wait_for_file, str(path), waits=2)
    values = imap(f, range(3), scheduler=scheduler, chunksize=1)
    assert [0, 1] == [next(values), next(values)]
    path.touch()
    assert [2] == list(values)


@both
def test_an_exception_that_was_returned_is_a_value(scheduler: Scheduler, face: Imap) -> None:
    (got,) = face(targets.return_an_exception, [1], scheduler=scheduler)
    assert isinstance(got, ValueError)
    assert not gridengine.raised(got)


@both
def test_large_arrays_come_one_by_one(scheduler: Scheduler, face: Imap) -> None:
    arrays = (np.full(50_000, float(x)) for x in range(12))
    got = []
    for array in face(targets.give, arrays, scheduler=scheduler, buffersize=3):
        assert (50_000,) == array.shape
        array += 1.0  # It is the program's own.
        got.append(float(array[-1]))
    assert [x + 1.0 for x in range(12)] == sorted(got)


# ---------------------------------------------------------------------- lazy on both ends


@both
def test_nothing_is_drawn_before_the_first_value_is_asked_for(
    scheduler: Scheduler, face: Imap
) -> None:
    drawn = Drawn()
    values = face(targets.give, drawn, scheduler=scheduler)
    assert 0 == drawn.count
    next(values)
    assert drawn.count > 0
    values.close()


@both
def test_one_that_is_never_asked_may_be_closed(scheduler: Scheduler, face: Imap) -> None:
    drawn = Drawn()
    values = face(targets.give, drawn, scheduler=scheduler)
    values.close()
    assert [] == list(values)
    assert 0 == drawn.count


@both
@pytest.mark.parametrize("buffersize", [1, 8])
def test_no_more_is_drawn_ahead_than_the_buffersize(
    scheduler: Scheduler, face: Imap, buffersize: int
) -> None:
    drawn = Drawn()
    values = face(targets.give, drawn, scheduler=scheduler, chunksize=1, buffersize=buffersize)
    for taken in range(60):
        next(values)
        # The value that has just been given counts until the next is asked for.
        assert drawn.count - taken <= buffersize
    values.close()


@both
def test_while_the_consumer_is_busy_nothing_is_drawn(scheduler: Scheduler, face: Imap) -> None:
    drawn = Drawn()
    values = face(targets.give, drawn, scheduler=scheduler)
    next(values)
    seen = drawn.count
    assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
    assert seen == drawn.count
    values.close()


def test_two_in_one_thread_take_turns(scheduler: Scheduler) -> None:
    a = imap(targets.square, itertools.count(), scheduler=scheduler)
    b = imap(targets.give, itertools.count(), scheduler=scheduler, buffersize=2)
    pairs = list(itertools.islice(zip(a, b, strict=False), 100))
    assert [(x * x, x) for x in range(100)] == pairs
    a.close()
    b.close()


@both
@pytest.mark.parametrize("buffersize", [None, 1])
def test_one_may_be_fed_by_another(
    scheduler: Scheduler, face: Imap, buffersize: int | None
) -> None:
    inner = face(targets.square, range(40), scheduler=scheduler, buffersize=buffersize)
    outer = face(targets.add, inner, inner, scheduler=scheduler, buffersize=buffersize)
    # Both of its iterables are the same generator: neighbours are added.
    assert sum(x * x for x in range(40)) == sum(outer)


def test_an_endless_chain_gives_its_first_values(scheduler: Scheduler) -> None:
    inner = imap(targets.square, itertools.count(), scheduler=scheduler)
    outer = imap(targets.square, inner, scheduler=scheduler)
    assert [0, 1, 16, 81] == list(itertools.islice(outer, 4))
    outer.close()
    inner.close()


@pytest.mark.parametrize("face", ["imap", "imap_unordered"])
def test_a_job_may_have_one(scheduler: Scheduler, face: str) -> None:
    def inside(n: int) -> int:
        return sum(getattr(gridengine, face)(targets.square, range(n)))

    job = Job(target=inside, args=(30,), scheduler=scheduler)
    job.start()
    assert sum(x * x for x in range(30)) == job.result


def test_a_second_thread_cannot_draw_while_one_waits(scheduler: Scheduler, tmp_path: Path) -> None:
    path = tmp_path / "the other thread has tried"
    started = tmp_path / "started"

    def f(x: int) -> int:
        started.touch()
        return wait_for_file(str(path), x, x)

    values = imap(f, range(2), scheduler=scheduler)
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.extend(values))
    thread.start()
    wait_until(started.exists, what="the call runs")
    # As any generator says, and at once; the values are those of the thread that waits.
    with pytest.raises(ValueError, match="already executing"):
        next(values)
    path.touch()
    thread.join()
    assert [0, 1] == got


# ---------------------------------------------------------------------- leaving early


class Endless:
    """Calls from 1 on that say that they run, and when they are ended; 0 returns at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, x: int) -> int:
        if x:
            # Whatever comes when, what has begun is said to be ended.
            try:
                (self.folder / f"{x} began").touch()
                threading.Event().wait()
            finally:
                (self.folder / f"{x} ended").touch()
        return x

    def began(self) -> set[str]:
        return {name.split()[0] for name in os.listdir(self.folder) if name.endswith("began")}

    def ended(self) -> set[str]:
        return {name.split()[0] for name in os.listdir(self.folder) if name.endswith("ended")}


def leave_by_break(values: Any, endless: Endless) -> None:
    for _ in values:
        wait_until(endless.began, what="another call runs")
        break


def leave_by_an_exception(values: Any, endless: Endless) -> None:
    with pytest.raises(LookupError):  # noqa: PT012  # the loop is what is left
        for _ in values:
            wait_until(endless.began, what="another call runs")
            raise LookupError


def leave_by_closing(values: Any, endless: Endless) -> None:
    next(values)
    wait_until(endless.began, what="another call runs")
    values.close()


def leave_by_the_garbage(values: Any, endless: Endless) -> None:
    next(values)
    wait_until(endless.began, what="another call runs")
    cycle = [values]
    cycle.append(cycle)  # type: ignore[arg-type]


@both
@pytest.mark.parametrize(
    "leave", [leave_by_break, leave_by_an_exception, leave_by_closing, leave_by_the_garbage]
)
def test_leaving_early_ends_what_runs_and_takes_back_the_rest(
    scheduler: Scheduler, face: Imap, leave: Callable[[Any, Endless], None], tmp_path: Path
) -> None:
    endless = Endless(tmp_path)
    # None but the loop holds the generator.
    leave(face(endless, itertools.count(), scheduler=scheduler, chunksize=1), endless)
    gc.collect()
    wait_until(lambda: endless.began() <= endless.ended(), what="the calls are ended")
    began = endless.began()
    # The workers, or those that came in their place, have nothing else to do.
    assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
    assert began == endless.began()


# ---------------------------------------------------------------------- what goes wrong


@both
def test_an_exception_names_its_input(scheduler: Scheduler, face: Imap) -> None:
    f = functools.partial(targets.fail_at, bad=7)
    with pytest.raises(ZeroDivisionError, match="at 7") as raised:
        list(face(f, itertools.count(), scheduler=scheduler, chunksize=4))
    assert gridengine.raised(raised.value)
    if hasattr(raised.value, "__notes__"):
        assert any("call 7 with 7," in note for note in raised.value.__notes__)


def test_an_exception_comes_after_the_values_before_it(scheduler: Scheduler) -> None:
    f = functools.partial(targets.fail_at, bad=7)
    values = imap(f, itertools.count(), scheduler=scheduler, chunksize=1, buffersize=1)
    assert list(range(7)) == list(itertools.islice(values, 7))
    with pytest.raises(ZeroDivisionError, match="at 7"):
        next(values)


def test_values_before_an_exception_in_the_same_chunk_come(scheduler: Scheduler) -> None:
    f = functools.partial(targets.fail_at, bad=7)
    values = imap(f, range(10), scheduler=scheduler, chunksize=10)
    assert list(range(7)) == list(itertools.islice(values, 7))
    with pytest.raises(ZeroDivisionError, match="at 7"):
        next(values)


def test_after_an_exception_it_is_over(scheduler: Scheduler) -> None:
    values = imap(targets.fail, [OSError("no")], scheduler=scheduler)
    with pytest.raises(OSError, match="no"):
        next(values)
    assert [] == list(values)


@both
def test_exceptions_may_take_the_places_of_values(scheduler: Scheduler, face: Imap) -> None:
    f = functools.partial(targets.fail_at, bad=3)
    got = list(face(f, range(6), scheduler=scheduler, reraise=False))
    (error,) = filter(gridengine.raised, got)
    assert isinstance(error, ZeroDivisionError)
    if face is imap:
        assert error is got[3]
    assert [0, 1, 2, 4, 5] == sorted(value for value in got if value is not error)


@both
def test_a_stop_iteration_of_a_call_is_no_silent_end(scheduler: Scheduler, face: Imap) -> None:
    values = face(targets.fail, [StopIteration("of a call")], scheduler=scheduler)
    with pytest.raises(RuntimeError) as raised:
        list(values)
    assert isinstance(raised.value.__cause__, StopIteration)
    assert gridengine.raised(raised.value.__cause__)


@both
def test_what_the_input_raises_is_raised_as_it_is(scheduler: Scheduler, face: Imap) -> None:
    error = LookupError("no more")

    def items() -> Iterator[int]:
        yield 1
        raise error

    with pytest.raises(LookupError) as raised:
        list(face(targets.square, items(), scheduler=scheduler))
    assert error is raised.value


@both
def test_an_item_that_cannot_travel_is_named(scheduler: Scheduler, face: Imap) -> None:
    items = (threading.Lock() if x == 3 else x for x in range(9))
    with pytest.raises(gridengine.PackingError, match="the argument of call 3"):
        list(face(targets.give, items, scheduler=scheduler))


@both
def test_an_item_of_a_list_that_cannot_travel_ends_it_and_nothing_else(
    scheduler: Scheduler, face: Imap
) -> None:
    gridengine.map(targets.give, range(100), scheduler=scheduler)
    items = [*range(30), threading.Lock()]
    with pytest.raises(gridengine.PackingError, match="the argument of call 30"):
        list(face(targets.give, items, scheduler=scheduler, chunksize=1))
    assert [4] == list(face(targets.square, [2], scheduler=scheduler))


@both
def test_a_result_that_cannot_travel_is_of_its_call_alone(scheduler: Scheduler, face: Imap) -> None:
    def f(x: int) -> Any:
        return threading.Lock() if x == 3 else x

    got = list(face(f, range(6), scheduler=scheduler, reraise=False))
    assert [gridengine.PackingError] == [type(x) for x in got if gridengine.raised(x)]
    assert [0, 1, 2, 4, 5] == sorted(x for x in got if not gridengine.raised(x))


@both
def test_a_worker_that_is_killed_in_the_middle_is_replaced(
    scheduler: Scheduler, face: Imap, tmp_path: Path
) -> None:
    once = str(tmp_path / "killed")

    def f(x: int) -> int:
        return targets.kill_self_once(once, x) if x == 20 else x

    assert list(range(40)) == sorted(face(f, range(40), scheduler=scheduler))
    assert os.path.exists(once)


@both
def test_a_call_that_kills_every_worker_is_told_with_its_input(
    scheduler: Scheduler, face: Imap
) -> None:
    f = functools.partial(targets.kill_self_at, bad=5)
    got = list(face(f, range(8), scheduler=scheduler, reraise=False))
    (error,) = filter(gridengine.raised, got)
    assert isinstance(error, gridengine.JobDied)
    assert "5" == error.death.input
    assert [0, 1, 2, 3, 4, 6, 7] == sorted(x for x in got if x is not error)


@both
def test_the_time_is_up(scheduler: Scheduler, face: Imap, tmp_path: Path) -> None:
    endless = Endless(tmp_path)
    values = face(endless, range(1, 4), scheduler=scheduler, timeout=1.0, chunksize=1)
    with pytest.raises(gridengine.TimeoutError, match="0 calls were"):
        next(values)
    wait_until(lambda: endless.began() <= endless.ended(), what="the calls are ended")


@both
def test_a_scheduler_that_is_closed_ends_the_wait(face: Imap, tmp_path: Path) -> None:
    endless = Endless(tmp_path)
    scheduler = ProcessScheduler(1)
    values = face(endless, range(1, 9), scheduler=scheduler)

    def close() -> None:
        wait_until(endless.began, what="a call runs")
        scheduler.close()

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises((gridengine.JobCancelled, gridengine.SchedulerError)):
        next(values)
    thread.join()


@both
@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((None, [1]), {}, TypeError, "f is None, which cannot be called"),
        ((abs,), {}, TypeError, "at least one iterable"),
        ((abs, 5), {}, TypeError, "not iterable"),
        ((abs, [1], 5), {}, TypeError, "not.* itera"),
        ((abs, [1]), {"chunksize": 0}, ValueError, "chunksize"),
        ((abs, [1]), {"chunksize": 1.5}, TypeError, "chunksize"),
        ((abs, [1]), {"buffersize": 0}, ValueError, "buffersize"),
        ((abs, [1]), {"buffersize": "3"}, TypeError, "buffersize"),
        ((abs, [1]), {"scheduler": "no such"}, ValueError, "no such"),
        ((abs, [1]), {"timeout": "soon"}, TypeError, "timeout is 'soon'; it takes seconds"),
        ((abs, [1]), {"timeout": math.nan}, ValueError, "timeout is nan"),
    ],
)
def test_bad_arguments_are_refused_at_once(
    face: Imap, arguments: Any, options: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        face(*arguments, **options)


@both
def test_a_function_that_cannot_travel_is_refused_when_the_first_value_is_asked_for(
    scheduler: Scheduler, face: Imap
) -> None:
    drawn = Drawn()
    values = face(threading.Lock().acquire, drawn, scheduler=scheduler)
    with pytest.raises(gridengine.PackingError, match="the function"):
        next(values)
    assert 0 == drawn.count


# ---------------------------------------------------------------------- what it takes


def resident() -> int:
    return psutil.Process().memory_info().rss


@pytest.mark.alone
@both
@pytest.mark.parametrize("chunksize", [None, 100])
def test_a_million_inputs_take_the_memory_of_a_few(
    laptop: ProcessScheduler, face: Imap, chunksize: int | None
) -> None:
    # What a program needs for any map at all is there.
    for _ in face(targets.give, range(10_000), scheduler=laptop, chunksize=chunksize):
        pass
    before = worst = resident()
    calls = 1_000_000 if chunksize is None else 200_000
    total = 0
    for value in face(
        targets.give, (x for x in range(calls)), scheduler=laptop, chunksize=chunksize
    ):
        total += value
        if not value % 1000:
            worst = max(worst, resident())
    assert calls * (calls - 1) // 2 == total
    assert worst - before < 20e6


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "imap.py")],
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "the first ten" in done.stdout


# ---------------------------------------------------------------------- a slow call


def _gated(gate: Path, slow: int, then: Callable[[int], int]) -> Callable[[int], int]:
    """Returns a function of which one call waits until a file is there, and then calls another."""

    def f(x: int) -> int:
        if x != slow:
            return x
        end = time.monotonic() + 60
        while not gate.exists() and time.monotonic() < end:
            time.sleep(0.005)
        return then(x)

    return f


def test_a_slow_call_holds_back_no_value_but_its_own(scheduler: Scheduler, tmp_path: Path) -> None:
    gate, calls, slow = tmp_path / "open", 20_000, 13_210
    values = imap_unordered(_gated(gate, slow, abs), range(calls), scheduler=scheduler)
    assert sorted(itertools.islice(values, calls - 1)) == [x for x in range(calls) if x != slow]
    gate.touch()
    assert list(values) == [slow]


def test_what_comes_before_a_slow_call_is_there(scheduler: Scheduler, tmp_path: Path) -> None:
    gate, calls, slow = tmp_path / "open", 20_000, 13_210
    values = imap(_gated(gate, slow, abs), range(calls), scheduler=scheduler)
    assert list(itertools.islice(values, slow)) == list(range(slow))
    gate.touch()
    assert list(values) == list(range(slow, calls))


def test_a_slow_call_that_dies_takes_none_of_its_neighbours_with_it(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    gate, calls, slow = tmp_path / "open", 20_000, 13_210
    f = _gated(gate, slow, lambda _: os.kill(os.getpid(), signal.SIGKILL))  # type: ignore[arg-type,return-value]
    values = imap_unordered(f, range(calls), scheduler=scheduler, reraise=False)
    assert sorted(itertools.islice(values, calls - 1)) == [x for x in range(calls) if x != slow]
    gate.touch()
    (died,) = values
    assert isinstance(died, gridengine.JobDied)
    assert f"call {slow} " in str(died)
