"""`gridengine.Executor` is an executor of `concurrent.futures`, on every scheduler."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import JobDied, PackingError
from gridengine.client.executor.future import CallFuture
from gridengine.dispatcher.waiting import TURN
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from ..conftest import warm
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(
    scope="module", params=["process", pytest.param("cluster", marks=pytest.mark.cluster)]
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler of two workers of each sort."""
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    made = GridEngineScheduler(max_workers=2) if request.param == "cluster" else ProcessScheduler(2)
    with made:
        warm(made, 2)
        yield made


@pytest.fixture
def executor(scheduler: Scheduler) -> Iterator[gridengine.Executor]:
    with gridengine.Executor(scheduler=scheduler) as made:
        yield made


@pytest.fixture
def gate(tmp_path: Path) -> Callable[[], object]:
    """A call that lasts until the program lets it end, or a few seconds."""
    return Gate(tmp_path / "gate")


class Gate:
    """Called in a worker it says that it runs, and waits until it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, name: str = "") -> str:
        self.path.with_name(f"runs-{name}").touch()
        end = time.monotonic() + 60
        while not self.path.exists() and time.monotonic() < end:
            time.sleep(0.01)
        return name

    def open(self) -> None:
        self.path.touch()

    def wait_for(self, name: str) -> None:
        wait_until(self.path.with_name(f"runs-{name}").exists, what=f"call {name!r} runs")


def square(x: int) -> int:
    return x * x


def test_results_and_exceptions_are_those_of_the_call(executor: gridengine.Executor) -> None:
    offset = 3
    future = executor.submit(lambda x, *, y: x + y + offset, 1, y=2)
    assert isinstance(future, Future)
    assert future.result() == 6
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result()


def test_a_map_yields_the_values_in_order(executor: gridengine.Executor) -> None:
    expected = [square(x) for x in range(20)]
    assert list(executor.map(square, range(20))) == expected
    assert list(executor.map(square, range(20), chunksize=7)) == expected
    assert list(executor.map(pow, range(3), [2, 2, 2], chunksize=2)) == [0, 1, 4]


def test_a_map_with_a_buffer_draws_no_further(executor: gridengine.Executor) -> None:
    drawn = []

    def items() -> Iterator[int]:
        for x in range(1_000_000):
            drawn.append(x)
            yield x

    results = executor.map(square, items(), buffersize=3)
    assert (next(results), next(results)) == (0, 1)
    assert len(drawn) == 5
    results.close()  # type: ignore[attr-defined]  # it is a generator


@pytest.mark.parametrize(("chunksize", "buffersize"), [(0, None), (1, 0), (-1, 1)])
def test_impossible_sizes_of_a_map_are_refused(
    laptop: ProcessScheduler, chunksize: int, buffersize: int | None
) -> None:
    with gridengine.Executor(scheduler=laptop) as executor, pytest.raises(ValueError, match="must"):
        executor.map(square, [1], chunksize=chunksize, buffersize=buffersize)


def test_what_was_cancelled_never_runs(
    executor: gridengine.Executor, gate: Gate, tmp_path: Path
) -> None:
    running = [executor.submit(gate, f"first-{n}") for n in range(2)]
    for n in range(2):
        gate.wait_for(f"first-{n}")
    waiting = [executor.submit(gate, f"second-{n}") for n in range(20)]
    assert [future.running() for future in running] == [True, True]
    assert not any(future.cancel() for future in running)
    assert all(future.cancel() for future in waiting)
    gate.open()
    _, rest = concurrent.futures.wait([*running, *waiting], timeout=60)
    assert not rest
    assert [future.result() for future in running] == ["first-0", "first-1"]
    assert all(future.cancelled() for future in waiting)
    assert executor.submit(square, 2).result() == 4
    assert not list(tmp_path.glob("runs-second-*"))


def test_a_call_that_runs_is_ended_by_kill(executor: gridengine.Executor, gate: Gate) -> None:
    future = executor.submit(gate, "a")
    gate.wait_for("a")
    future.kill()
    with pytest.raises(CancelledError):
        future.result(60)
    assert executor.submit(square, 3).result() == 9


def test_a_worker_that_dies_is_the_affair_of_its_call(executor: gridengine.Executor) -> None:
    died = executor.submit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert isinstance(died.exception(60), JobDied)
    assert executor.submit(square, 3).result() == 9


def test_what_cannot_travel_fails_on_its_future(executor: gridengine.Executor) -> None:
    assert isinstance(executor.submit(square, threading.Lock()).exception(), PackingError)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be called"):
        executor.submit(3)  # type: ignore[arg-type]


def test_shutdown_takes_back_what_has_not_begun(scheduler: Scheduler, gate: Gate) -> None:
    executor = gridengine.Executor(scheduler=scheduler)
    futures = [executor.submit(gate, str(n)) for n in range(10)]
    gate.wait_for("0")
    executor.shutdown(wait=False, cancel_futures=True)
    gate.open()
    executor.shutdown()
    assert all(future.done() for future in futures)
    assert sum(future.cancelled() for future in futures) >= 8
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(square, 1)


def test_asyncio_awaits_it(executor: gridengine.Executor) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        first = loop.run_in_executor(executor, square, 3)
        return [await first, await asyncio.wrap_future(executor.submit(square, 4))]

    assert asyncio.run(main()) == [9, 16]


def test_callbacks_are_called_once_and_their_errors_harm_nobody(
    executor: gridengine.Executor,
) -> None:
    called: list[Future[int]] = []
    future = executor.submit(square, 5)
    future.add_done_callback(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    future.add_done_callback(called.append)
    assert executor.submit(square, 6).result() == 36
    assert future.result() == 25
    wait_until(lambda: called, what="the callback was called")
    assert called == [future]


def test_an_executor_that_is_let_go_of_finishes(laptop: ProcessScheduler) -> None:
    executor = gridengine.Executor(1, scheduler=laptop)
    futures = [executor.submit(square, x) for x in range(50)]
    del executor
    gc.collect()
    assert [future.result(60) for future in futures] == [square(x) for x in range(50)]
    wait_until(
        lambda: all(each.name != "gridengine-executor" for each in threading.enumerate()),
        what="its thread has ended",
    )


def test_an_initializer_runs_first_in_each_worker() -> None:
    def initialize(value: str) -> None:
        os.environ["INITIALIZED_AS"] = value

    with gridengine.Executor(
        2, scheduler="process", initializer=initialize, initargs=("it",)
    ) as executor:
        assert set(executor.map(os.getenv, ["INITIALIZED_AS"] * 8)) == {"it"}


def test_an_initializer_that_fails_breaks_the_executor() -> None:
    with gridengine.Executor(1, scheduler="process", initializer=divmod, initargs=(1, 0)) as broken:
        with pytest.raises(BrokenExecutor, match="ZeroDivisionError"):
            broken.submit(square, 1).result(60)
        with pytest.raises(BrokenExecutor):
            broken.submit(square, 1)


def test_closing_the_scheduler_cancels_its_futures(gate: Gate) -> None:
    scheduler = ProcessScheduler(1)
    with gridengine.Executor(scheduler=scheduler) as executor:
        futures = [executor.submit(gate, str(n)) for n in range(3)]
        gate.wait_for("0")
        scheduler.close()
        assert not concurrent.futures.wait(futures, timeout=60).not_done
        assert all(future.cancelled() for future in futures)
    scheduler.close()


def test_max_workers_is_what_the_executor_has(laptop: ProcessScheduler) -> None:
    for given, has in ((1, 1), (2, 2), (5, 2)):
        with gridengine.Executor(given, scheduler=laptop) as executor:
            assert executor._max_workers == has
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="max_workers must be greater than 0"):
            gridengine.Executor(wrong)


def test_in_a_fork_futures_from_before_do_not_wait_for_ever(
    laptop: ProcessScheduler, gate: Gate
) -> None:
    with gridengine.Executor(scheduler=laptop) as executor:
        future = executor.submit(gate, "a")
        child = os.fork()
        if child == 0:
            try:
                future.result(60)
            except RuntimeError:
                os._exit(7)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        gate.open()
        assert future.result(60) == "a"


def test_ctrl_c_in_the_with_ends_the_calls(laptop: ProcessScheduler, gate: Gate) -> None:
    futures: list[Future[Any]] = []

    def interrupted() -> None:
        with gridengine.Executor(scheduler=laptop) as executor:
            futures.extend(executor.submit(time.sleep, 80) for _ in range(2))
            futures.extend(executor.submit(gate) for _ in range(10))
            wait_until(lambda: futures[0].running(), what="it runs")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert all(future.cancelled() for future in futures)


class PacksWhen:
    """An argument that travels when something has happened."""

    def __init__(self, begun: threading.Event, happened: threading.Event) -> None:
        self.begun, self.happened = begun, happened

    def __reduce__(self) -> Any:
        self.begun.set()
        self.happened.wait(60)
        return str, ()


def test_a_call_that_is_packed_during_a_shutdown_opens_nothing_anew() -> None:
    executor = gridengine.Executor(1, scheduler=ProcessScheduler)
    assert executor.submit(abs, -1).result() == 1
    begun, shut = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def submit() -> None:
        try:
            executor.submit(len, PacksWhen(begun, shut))
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=submit)
    thread.start()
    assert begun.wait(60)
    executor.shutdown()
    shut.set()
    thread.join()
    assert "after shutdown" in str(raised[0])
    # Nothing is left behind, as after every test.


def test_a_job_may_have_an_executor(laptop: ProcessScheduler) -> None:
    def job() -> list[int]:
        with gridengine.Executor(1) as executor:
            return list(executor.map(square, range(3)))

    with gridengine.Executor(scheduler=laptop) as executor:
        assert executor.submit(job).result(60) == [0, 1, 4]


def run(code: str | Path) -> subprocess.CompletedProcess[str]:
    arguments = [str(code)] if isinstance(code, Path) else ["-c", code]
    environment = {**os.environ, "GRIDENGINE_SCHEDULER": "process"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


_END = """
import atexit, time, gridengine
def last():
    try:
        executor.submit(abs, 1)
    except RuntimeError as error:
        print(error)
{before}
executor = gridengine.Executor(2, scheduler="process")
{after}
"""


@pytest.mark.parametrize("how", ["", "executor.shutdown(wait=False)", "del executor"])
def test_the_end_of_the_program_waits_for_what_was_submitted(how: str) -> None:
    submit = "executor.submit(time.sleep, 0.5).add_done_callback(lambda _: print('apple'))"
    done = run(_END.format(before="", after=f"{submit}\n{how}"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "apple\n", "")


def test_after_the_end_of_the_program_nothing_is_submitted() -> None:
    code = _END.format(before="", after="executor.submit(abs, 1).result()")
    done = run(f"import atexit\natexit.register(lambda: last())\n{code}")
    assert done.stdout == "cannot schedule new futures after interpreter shutdown\n", done.stderr


def test_the_example_runs() -> None:
    done = run(ROOT / "examples" / "executor.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 ** 1000 have the sum 1366" in done.stdout


def test_dask_computes_with_it(executor: gridengine.Executor) -> None:
    dask: Any = pytest.importorskip("dask")
    delayed = dask.delayed(sum)([dask.delayed(square)(x) for x in range(10)])
    assert dask.compute(delayed, scheduler=executor) == (285,)
    assert delayed.compute(scheduler=executor) == 285
    bag = pytest.importorskip("dask.bag").from_sequence(range(30), npartitions=5)
    assert bag.map(square).sum().compute(scheduler=executor) == 8555
    array = pytest.importorskip("dask.array").arange(10_000, chunks=1000)
    assert (array**2).sum().compute(scheduler=executor) == 333283335000
    with pytest.raises(ZeroDivisionError):
        dask.delayed(divmod)(1, 0).compute(scheduler=executor)


@pytest.mark.parametrize("ask", [CallFuture.result, CallFuture.exception])
def test_who_waits_for_a_future_does_so_in_turns(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[CallFuture[int]], object]
) -> None:
    """Ctrl-C that comes just before a wait is noticed when that ends: see `in_turns`."""
    future: CallFuture[int] = CallFuture()
    turns = []

    def wait_a_turn(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) == 2:
            future.set_result(3)

    monkeypatch.setattr(future._condition, "wait", wait_a_turn)
    assert ask(future) in (3, None)
    assert turns == [TURN, TURN]
