"""`gridengine.Pool`: what `multiprocessing.Pool` does, and what it does not."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import pickle
import queue
import runpy
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine.client.pool import imap
from gridengine.client.pool.async_result import CallResult
from gridengine.client.pool.background_thread import BackgroundThread
from gridengine.client.pool.calls import PoolCalls
from gridengine.dispatcher import waiting
from gridengine.ledger.task import Outcome, Task
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler
from gridengine.states import JobState

from .. import targets
from ..conftest import the_cluster
from ..waiting import wait_until

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(
    scope="module", params=["process", pytest.param("gridengine", marks=pytest.mark.cluster)]
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A warm scheduler of each sort."""
    made: Scheduler
    if request.param == "process":
        made = ProcessScheduler(2)
    else:
        the_cluster()
        made = GridEngineScheduler(max_workers=2)
    with made:
        gridengine.map(abs, range(2), scheduler=made, chunksize=1)
        yield made


@pytest.fixture
def pool(scheduler: Scheduler) -> Iterator[gridengine.Pool]:
    """A pool on it."""
    with gridengine.Pool(scheduler=scheduler) as made:
        yield made


class Gate:
    """Calls of `pass_` wait until it is opened; by a file, for those of another node too."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "open"

    def pass_(self, x: Any) -> Any:
        end = time.monotonic() + 60
        while not self.path.exists() and time.monotonic() < end:
            time.sleep(0.005)
        return x

    def open(self) -> None:
        self.path.touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


# ---------------------------------------------------------------------- the calls


def test_all_methods_give_what_multiprocessings_give(pool: gridengine.Pool) -> None:
    assert 5 == pool.apply(targets.add, (2,), {"c": 3})
    assert 5 == pool.apply_async(targets.add, (2, 3)).get()
    assert [0, 1, 4] == pool.map(targets.square, iter(range(3)))
    assert [0, 1, 4] == pool.map_async(targets.square, (0, 1, 2), 2).get()
    assert [3, 7] == pool.starmap(targets.add, [(1, 2), [3, 4]])
    assert [3, 7] == pool.starmap_async(targets.add, zip([1, 3], [2, 4], strict=True)).get()
    assert [0, 1, 4, 9] == list(pool.imap(targets.square, range(4)))
    assert [0, 1, 4, 9] == sorted(pool.imap_unordered(targets.square, iter(range(4)), 3))


@pytest.mark.parametrize("chunksize", [None, 1, 7, 1000])
def test_a_map_is_in_order_whatever_the_chunks(
    pool: gridengine.Pool, chunksize: int | None
) -> None:
    squares = [x * x for x in range(100)]
    assert squares == pool.map(targets.square, range(100), chunksize)
    if chunksize:
        assert squares == list(pool.imap(targets.square, list(range(100)), chunksize))


def test_arguments_of_a_map_are_what_they_were_when_it_was_asked_for(
    pool: gridengine.Pool, gate: Gate
) -> None:
    items = [1, 2, 3]
    result = pool.map_async(gate.pass_, items)
    items[:] = [0, 0, 0]
    gate.open()
    assert [1, 2, 3] == result.get()


def test_an_exception_is_the_functions_own(pool: gridengine.Pool) -> None:
    result = pool.apply_async(targets.fail_at, (1, 1))
    with pytest.raises(ZeroDivisionError, match="at 1") as raised:
        result.get()
    assert "fail_at" in str(raised.value.__cause__)
    with pytest.raises(ZeroDivisionError) as again:
        result.get()
    assert raised.value is again.value


def test_of_a_map_the_first_exception_in_order_is_raised_when_all_is_over(
    pool: gridengine.Pool, tmp_path: Path
) -> None:
    def f(x: int) -> None:
        (tmp_path / str(x)).touch()
        if x in (1, 3):
            raise ValueError(x)

    with pytest.raises(ValueError, match="1"):
        pool.map(f, range(5), chunksize=1)
    assert sorted(os.listdir(tmp_path)) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("chunksize", [1, 3])
def test_an_imap_goes_on_after_an_exception(pool: gridengine.Pool, chunksize: int) -> None:
    def f(x: int) -> int:
        if x == 1:
            raise ValueError(x)
        return x

    results = pool.imap(f, range(4), chunksize)
    assert 0 == next(results)
    with pytest.raises(ValueError, match="1"):
        next(results)
    assert [2, 3] == list(results)


def test_a_returned_exception_is_a_value(pool: gridengine.Pool) -> None:
    assert [ValueError] == [type(e) for e in pool.map(targets.return_an_exception, [1])]
    assert [ValueError] == [type(e) for e in pool.imap(targets.return_an_exception, [1])]


def test_an_argument_that_cannot_travel_is_told_by_get(pool: gridengine.Pool) -> None:
    told: list[BaseException] = []
    lock = threading.Lock()
    results: list[gridengine.AsyncResult[Any]] = [
        pool.apply_async(targets.give, (lock,), error_callback=told.append),
        pool.map_async(targets.give, [1, lock], error_callback=told.append),
    ]
    for result in results:
        with pytest.raises(gridengine.PackingError):
            result.get()
    assert [gridengine.PackingError] * 2 == [type(error) for error in told]
    with pytest.raises(gridengine.PackingError, match="lock"):
        list(pool.imap(targets.give, [1, lock]))
    with pytest.raises(gridengine.PackingError, match="call 3"):
        list(pool.imap(targets.give, [1, 2, 3, lock], 2))


def test_the_death_of_a_worker_ends_its_call(pool: gridengine.Pool) -> None:
    result = pool.apply_async(targets.kill_self)
    assert 4 == pool.apply(targets.square, (2,))
    with pytest.raises(gridengine.JobDied):
        result.get()
    with pytest.raises(gridengine.JobDied):
        pool.map(targets.kill_self, [signal.SIGKILL])


def test_threads_that_share_an_iterator_never_see_a_failed_call_as_none(
    pool: gridengine.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = pool.imap(lambda x: 1 // x, [0])
    taken: list[object] = []
    asked = threading.Event()

    def take() -> None:
        try:
            taken.append(next(results))
        except (ZeroDivisionError, StopIteration) as error:
            taken.append(type(error))

    class Lock:
        """Tells that a second thread asks for it."""

        def __init__(self) -> None:
            self.lock = threading.Lock()
            self.release = self.lock.release

        def acquire(self, timeout: float) -> bool:
            if self.lock.locked():
                asked.set()
            return self.lock.acquire(timeout=timeout)

    class Errors(dict[int, BaseException]):
        """While they are looked at, another thread comes for a result."""

        def items(self) -> Any:
            other.start()
            wait_until(lambda: taken or asked.is_set(), what="the other thread takes or waits")
            return super().items()

    def read(task: Task, outcome: Outcome) -> Any:
        values, errors = values_and_errors(task, outcome)
        return values, Errors(errors)

    values_and_errors = imap.values_and_errors
    monkeypatch.setattr(imap, "values_and_errors", read)
    results._lock = Lock()  # type: ignore[assignment]
    other = threading.Thread(target=take)
    take()
    other.join()
    assert {ZeroDivisionError, StopIteration} == set(taken)


# ---------------------------------------------------------------------- results to come


def test_a_result_is_ready_when_it_is_there(pool: gridengine.Pool, gate: Gate) -> None:
    for result in (pool.apply_async(gate.pass_, (1,)), pool.map_async(gate.pass_, [1])):
        gate.path.unlink(missing_ok=True)
        result = pool.apply_async(gate.pass_, (1,))
        assert not result.ready()
        with pytest.raises(ValueError, match="not ready"):
            result.successful()
        result.wait(0.01)
        with pytest.raises(multiprocessing.TimeoutError):
            result.get(0.01)
        with pytest.raises(gridengine.TimeoutError):
            result.get(timeout=0)
        gate.open()
        result.wait()
        assert result.ready()
        assert result.successful()
        assert 1 == result.get(0)


def test_an_iterator_takes_a_timeout(pool: gridengine.Pool, gate: Gate) -> None:
    for results in (pool.imap(gate.pass_, [1]), pool.imap_unordered(gate.pass_, iter([1]))):
        if not gate.path.exists():
            with pytest.raises(multiprocessing.TimeoutError):
                results.next(0.01)
        gate.open()
        assert 1 == results.next(30)
        with pytest.raises(StopIteration):
            results.next(1)


def test_a_callback_is_called_before_the_result_is_ready(pool: gridengine.Pool) -> None:
    told: list[Any] = []
    pool.apply_async(targets.square, (3,), callback=told.append).wait()
    pool.map_async(targets.square, [1, 2], callback=told.append).wait()
    pool.map_async(targets.square, [], callback=told.append).wait()
    pool.apply_async(targets.fail_at, (1, 1), error_callback=told.append).wait()
    assert [9, [1, 4], []] == told[:3]
    assert isinstance(told[3], ZeroDivisionError)


def test_a_slow_callback_keeps_nobody_from_work(pool: gridengine.Pool) -> None:
    done = threading.Event()
    result = pool.apply_async(targets.square, (3,), callback=lambda _: done.wait(60))
    assert [4, 9] == pool.map(targets.square, [2, 3])
    assert not result.ready()
    done.set()
    assert 9 == result.get()


def test_what_a_callback_raises_is_told_and_the_next_one_is_called(
    pool: gridengine.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))
    assert 9 == pool.apply_async(targets.square, (3,), callback=lambda x: x / 0).get()
    assert 4 == pool.apply_async(targets.square, (2,), callback=told.append).get()
    assert [ZeroDivisionError, 4] == told


def test_a_callback_may_get_its_result_and_ask_for_more(pool: gridengine.Pool) -> None:
    results: list[Any] = []

    def tell(_: int) -> None:
        results.append(first.get())
        results.append(pool.apply(targets.square, (5,)))

    ready = threading.Event()
    first = pool.apply_async(targets.square, (4,), callback=lambda x: ready.wait(60) and tell(x))
    ready.set()
    assert 16 == first.get()
    assert [16, 25] == results


def test_threads_may_share_a_pool(pool: gridengine.Pool) -> None:
    got: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        got[number] = pool.map(targets.square, range(number, number + 50), 5)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: [x * x for x in range(n, n + 50)] for n in range(6)} == got


def test_who_waits_and_fails_costs_the_others_nothing(
    pool: gridengine.Pool, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    result = pool.apply_async(gate.pass_, (1,))
    assert isinstance(result, CallResult)
    assert result._task is not None
    heard = threading.Event()
    waiting.when_over(result._task, lambda: 1 / 0)
    waiting.when_over(result._task, heard.set)
    gate.open()
    assert heard.wait(60)
    assert 1 == result.get()
    assert "ZeroDivisionError" in caplog.text
    assert "nonsense" not in caplog.text


# ---------------------------------------------------------------------- many chunks to a task


def gated(gate: Gate, at: int) -> Callable[[int], int]:
    """Returns a function of which the call for ``at`` waits until the gate is open."""
    return lambda x: gate.pass_(x) if x == at else x


def test_a_slow_call_holds_back_no_result_but_its_own(pool: gridengine.Pool, gate: Gate) -> None:
    calls, slow = 5000, 3210
    results = pool.imap_unordered(gated(gate, slow), range(calls))
    others = sorted(itertools.islice(results, calls - 1))
    assert [x for x in range(calls) if x != slow] == others
    gate.open()
    assert [slow] == list(results)


def test_what_comes_before_a_slow_call_is_there(pool: gridengine.Pool, gate: Gate) -> None:
    calls, slow = 5000, 3210
    results = pool.imap(gated(gate, slow), range(calls))
    assert list(range(slow)) == list(itertools.islice(results, slow))
    with pytest.raises(TimeoutError):
        results.next(0)
    gate.open()
    assert list(range(slow, calls)) == list(results)


@pytest.mark.parametrize("chunksize", [1, 7])
def test_each_failure_stands_in_its_own_place(pool: gridengine.Pool, chunksize: int) -> None:
    def f(x: int) -> int:
        if x % 1000 == 500:
            raise KeyError(x)
        if x == 1234:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    results = pool.imap(f, range(3000), chunksize)
    for x in range(3000):
        if x % 1000 == 500:
            with pytest.raises(KeyError, match=str(x)):
                next(results)
        elif x == 1234:
            with pytest.raises(gridengine.JobDied):
                next(results)
        else:
            assert x == next(results)
    assert [] == list(results)


def test_a_pool_that_is_terminated_ends_an_imap_with_an_error(
    scheduler: Scheduler, gate: Gate
) -> None:
    pool = gridengine.Pool(scheduler=scheduler)
    results = pool.imap(gated(gate, 3000), range(6000))
    assert list(range(2000)) == list(itertools.islice(results, 2000))
    pool.terminate()
    with pytest.raises(gridengine.JobCancelled):
        list(results)


# ---------------------------------------------------------------------- lazy inputs


def test_an_imap_takes_an_input_without_end(pool: gridengine.Pool) -> None:
    drawn = itertools.count()
    results = pool.imap(targets.square, drawn)
    assert [x * x for x in range(100)] == list(itertools.islice(results, 100))
    assert next(drawn) < 100_000


def test_an_imap_begins_at_once_and_does_not_wait_for_its_input(pool: gridengine.Pool) -> None:
    asked: queue.Queue[int | None] = queue.Queue()
    results = pool.imap(targets.square, iter(asked.get, None))
    for number in range(5):
        asked.put(number)
        assert number * number == results.next(30)
    asked.put(None)
    with pytest.raises(StopIteration):
        results.next(30)


def test_join_has_all_inputs_drawn(scheduler: Scheduler) -> None:
    pool = gridengine.Pool(scheduler=scheduler)
    results = pool.imap(targets.square, iter(range(30_000)), 10)
    pool.close()
    pool.join()
    assert [x * x for x in range(30_000)] == list(results)


def test_what_an_input_raises_comes_in_its_place(pool: gridengine.Pool) -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise LookupError

    results = pool.imap(targets.square, items())
    assert [0, 1, 4] == [next(results) for _ in range(3)]
    with pytest.raises(LookupError):
        next(results)
    assert [] == list(results)
    with pytest.raises(LookupError):
        pool.map(targets.square, items())


def test_what_is_larger_than_may_be_under_way_comes_all_the_same(
    pool: gridengine.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridengine.client.pool.chunk_feed._AHEAD_BYTES", 1000)
    items = [bytes(500)] * 50
    assert [500] * 50 == pool.map(len, items, 2)
    assert [500] * 50 == list(pool.imap(len, items))


def test_a_large_function_stays_until_its_map_is_over(scheduler: Scheduler) -> None:
    big = bytearray(2_000_000)

    def count(_: int) -> int:
        big[0] += 1
        return big[0]

    with gridengine.Pool(1, scheduler=scheduler) as pool:
        # Each map has it as it was.
        for _ in range(2):
            assert [1, 2, 3, 4, 5, 6] == pool.map(count, range(6), 1)
            assert [1, 2, 3, 4, 5, 6] == list(pool.imap(count, iter(range(6))))


# ---------------------------------------------------------------------- the end


def test_a_closed_pool_does_what_it_was_asked_for_and_takes_no_more(
    scheduler: Scheduler, gate: Gate
) -> None:
    pool = gridengine.Pool(scheduler=scheduler)
    told: list[int] = []
    result = pool.apply_async(gate.pass_, (1,), callback=told.append)
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    pool.close()
    for ask in (pool.apply, pool.apply_async):
        with pytest.raises(ValueError, match="Pool not running"):
            ask(targets.pid)
    for ask in (pool.map, pool.imap, pool.imap_unordered, pool.starmap_async):
        with pytest.raises(ValueError, match="Pool not running"):
            ask(targets.pid, [1])  # type: ignore[operator]
    gate.open()
    pool.join()
    assert [1] == told
    assert 1 == result.get(0)


class Closing:
    """A function that is packed while another thread, as it were, closes the pool."""

    def __init__(self, pool: gridengine.Pool, error: Exception | None) -> None:
        self.pool = pool
        self.error = error

    def __call__(self, x: int) -> int:
        return x

    def __reduce__(self) -> Any:
        self.pool.close()
        if self.error is not None:
            raise self.error
        return abs, (1,)


def test_a_call_that_is_packed_when_the_pool_is_closed_is_refused(scheduler: Scheduler) -> None:
    def told(_: object) -> None:
        raise AssertionError

    def apply_async(pool: gridengine.Pool, function: Any, items: list[int]) -> object:
        return pool.apply_async(function, items, callback=told, error_callback=told)

    for ask in (
        apply_async,
        gridengine.Pool.map_async,
        gridengine.Pool.imap,
        gridengine.Pool.imap_unordered,
    ):
        pool = gridengine.Pool(scheduler=scheduler)
        assert [1] == list(pool.imap(abs, iter([1])))
        with pytest.raises(ValueError, match="Pool not running"):
            ask(pool, Closing(pool, None), [1])
        pool.join()


def test_a_call_that_cannot_be_packed_is_told_though_the_pool_is_closed(
    scheduler: Scheduler,
) -> None:
    told: list[type[BaseException]] = []
    pool = gridengine.Pool(scheduler=scheduler)
    function = Closing(pool, LookupError())
    result = pool.apply_async(function, (1,), error_callback=lambda error: told.append(type(error)))
    with pytest.raises(gridengine.PackingError):
        result.get(60)
    assert [gridengine.PackingError] == told
    pool.join()


def test_a_thread_that_has_ended_does_what_comes_late_one_after_the_other() -> None:
    thread = BackgroundThread("late")
    thread.start()
    thread.end()
    thread.join()
    thread.end()
    done: list[bool] = []
    go_on = threading.Event()
    thread.do(lambda: go_on.wait(60))
    for _ in range(3):
        thread.do(lambda: done.append(thread.is_current()))
    assert [] == done
    go_on.set()
    thread.join()
    assert [True] * 3 == done
    assert not thread.is_current()


def test_leaving_it_takes_back_what_is_not_done(scheduler: Scheduler, gate: Gate) -> None:
    told: list[Any] = []
    with gridengine.Pool(scheduler=scheduler) as pool:
        results: list[gridengine.AsyncResult[Any]] = [
            pool.apply_async(gate.pass_, (1,), callback=told.append, error_callback=told.append),
            pool.map_async(gate.pass_, range(100), 1, callback=told.append),
        ]
        iterator = pool.imap(gate.pass_, itertools.count())
    for result in results:
        assert result.ready()
        with pytest.raises(gridengine.JobCancelled):
            result.get()
    with pytest.raises(gridengine.JobCancelled):
        next(iterator)
    assert [] == told
    pool.join()
    with pytest.raises(ValueError, match="Pool not running"), pool:
        pass
    # The workers are the scheduler's.
    assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)


def test_workers_of_its_own_end_with_it() -> None:
    pool = gridengine.Pool(1, scheduler="process")
    pid = pool.apply(targets.pid)
    pool.close()
    wait_until(lambda: not psutil.pid_exists(pid), what="a closed pool's worker has ended")
    pool.join()
    pool.terminate()


def test_a_pool_that_is_let_go_of_leaves_nothing(gate: Gate) -> None:
    pool = gridengine.Pool(1, scheduler="process")
    pid = pool.apply(targets.pid)
    pool.apply_async(gate.pass_, (1,))
    with pytest.warns(ResourceWarning, match="unclosed running"):
        del pool
    wait_until(lambda: not psutil.pid_exists(pid), what="its worker has ended")


def test_a_pool_is_let_go_of_by_whoever_holds_the_lock_of_those_who_wait(gate: Gate) -> None:
    pool = gridengine.Pool(1, scheduler="process")
    pid = pool.apply(targets.pid)
    pool.apply_async(gate.pass_, (1,))
    # As the garbage collector does it, which comes at any time.
    with waiting._guard, pytest.warns(ResourceWarning, match="unclosed running"):
        del pool
    wait_until(lambda: not psutil.pid_exists(pid), what="its worker has ended")


def test_a_result_keeps_its_pool() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        assert 4 == gridengine.Pool(1, scheduler="process").apply_async(targets.square, (2,)).get()
        gc.collect()


def test_a_closed_scheduler_ends_the_waits(gate: Gate) -> None:
    with ProcessScheduler(1) as scheduler:
        pool = gridengine.Pool(scheduler=scheduler)
        result = pool.map_async(gate.pass_, range(3), 1)
        iterator = pool.imap(gate.pass_, itertools.count())
        scheduler.close()
        with pytest.raises(gridengine.JobCancelled):
            result.get()
        with pytest.raises((gridengine.JobCancelled, gridengine.SchedulerError)):
            list(iterator)
        pool.terminate()


def test_a_callback_cannot_wait_for_all_callbacks(pool: gridengine.Pool) -> None:
    told: list[BaseException] = []

    def join(_: int) -> None:
        pool.close()
        try:
            pool.join()
        except RuntimeError as error:
            told.append(error)

    pool.apply_async(targets.square, (1,), callback=join).wait()
    assert len(told) == 1


def test_a_fork_does_not_wait_for_what_its_parent_asked(gate: Gate) -> None:
    with gridengine.Pool(1, scheduler="process") as pool:
        results: list[Any] = [
            pool.apply_async(gate.pass_, (1,), callback=abs),
            pool.apply_async(gate.pass_, (1,)),
            pool.map_async(gate.pass_, [1]),
        ]
        iterator = pool.imap(gate.pass_, [1])
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            said = b""
            try:
                for wait in (*(result.get for result in results), iterator.next):
                    try:
                        wait()
                    except RuntimeError as error:
                        said += b"fork " if "fork" in str(error) else repr(error).encode()
                said += str(pool.apply(targets.square, (3,))).encode()
                pool.terminate()
            except BaseException as error:
                said = repr(error).encode()
            finally:
                os.write(write, said)
                os._exit(0)
        os.close(write)
        with open(read, "rb") as file:
            assert b"fork fork fork fork 9" == file.read()
        os.waitpid(pid, 0)
        gate.open()
        assert [1, 1, [1]] == [result.get() for result in results]


# ---------------------------------------------------------------------- what it is made with


@pytest.mark.parametrize("processes", [0, -1])
def test_there_is_at_least_one_process(processes: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        gridengine.Pool(processes)


@pytest.mark.parametrize("number", [0, -1, 0.5, "12"])
def test_tasks_of_a_worker_are_a_positive_number(number: Any) -> None:
    with pytest.raises(ValueError, match="positive int"):
        gridengine.Pool(1, maxtasksperchild=number)


def test_as_many_calls_run_at_once_as_it_has_processes(tmp_path: Path) -> None:
    def meet(x: int) -> int:
        (tmp_path / str(x)).touch()
        end = time.monotonic() + 60
        while len(os.listdir(tmp_path)) < 3 and time.monotonic() < end:
            time.sleep(0.005)
        return len(os.listdir(tmp_path))

    with gridengine.Pool(3, scheduler=ProcessScheduler(1)) as pool:
        assert [3, 3, 3] == pool.map(meet, range(3), 1)
        assert "pool_size=3" in repr(pool)


def test_a_worker_is_replaced_after_so_many_tasks(scheduler: Scheduler) -> None:
    with gridengine.Pool(1, maxtasksperchild=3, scheduler=scheduler) as pool:
        pids = [pool.apply(targets.pid) for _ in range(7)]
        assert [3, 3, 1] == [len(list(group)) for _, group in itertools.groupby(pids)]
        assert 3 == len(set(pids))
        # Two for the last one, three and two for others.
        assert 2 == len(set(pool.map(targets.pid, range(14), 2)) - {pids[-1]})


def set_value(value: int) -> None:
    targets.value = value  # type: ignore[attr-defined]


def get_value() -> int:
    return targets.value  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("face", ["imap", "imap_unordered"])
def test_a_stop_iteration_of_a_call_does_not_look_like_the_end(
    pool: gridengine.Pool, face: str
) -> None:
    def stops(_: int) -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(getattr(pool, face)(stops, [1]))


def test_a_pool_that_is_not_closed_says_nothing_at_the_end_of_the_program() -> None:
    program = (
        "import gridengine\n"
        "pool = gridengine.Pool(1, scheduler='process')\n"
        "print(pool.map(lambda x: x, [1, 2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")


@pytest.mark.parametrize("processes", ["2", 2.5])
def test_a_number_of_processes_is_whole(processes: Any) -> None:
    with pytest.raises(TypeError, match=r"processes is .*; it takes a whole number"):
        gridengine.Pool(processes)


def test_each_worker_is_initialized(scheduler: Scheduler) -> None:
    with gridengine.Pool(2, set_value, (7,), 1, scheduler=scheduler) as pool:
        assert [7] * 6 == [pool.apply(get_value) for _ in range(6)]
    with pytest.raises(TypeError, match="initializer must be a callable"):
        gridengine.Pool(2, 7)  # type: ignore[arg-type]


def fail_to_initialize() -> None:
    raise LookupError("no table")


def test_an_initializer_that_raises_fails_the_calls(scheduler: Scheduler) -> None:
    with (
        gridengine.Pool(1, fail_to_initialize, scheduler=scheduler) as pool,
        pytest.raises(gridengine.GridEngineError, match="no table"),
    ):
        pool.apply(targets.pid)


def test_a_pool_cannot_be_pickled(pool: gridengine.Pool) -> None:
    with pytest.raises(NotImplementedError, match="cannot be passed"):
        pickle.dumps(pool)


def in_a_job(x: int) -> list[int]:
    with gridengine.Pool(2) as pool:
        return pool.map(targets.square, range(x))


def test_a_job_may_have_a_pool(pool: gridengine.Pool) -> None:
    assert [[0, 1, 4]] * 2 == pool.map(in_a_job, [3, 3])


def test_the_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "process")
    runpy.run_path(str(ROOT / "examples" / "pool.py"), run_name="__main__")
    assert "primes" in capsys.readouterr().out


def test_ctrl_c_amid_the_submission_of_a_map_takes_back_what_runs(
    pool: gridengine.Pool, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[Task] = []
    submit = PoolCalls.submit

    def interrupted(calls: PoolCalls, dispatcher: Any, task: Task, then: Any) -> None:
        submit(calls, dispatcher, task, then)
        submitted.append(task)
        if len(submitted) == 2:
            wait_until(lambda: task.state is JobState.RUNNING, what="a call runs")
            raise KeyboardInterrupt

    monkeypatch.setattr(PoolCalls, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.map(gate.pass_, range(10), chunksize=1)
    for task in submitted:
        assert waiting.wait(task, 30)
        assert task.state is JobState.CANCELLED
    assert len(submitted) == 2
