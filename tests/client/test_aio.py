"""Jobs and maps in event loops: awaited, cancelled, several at once, on every scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine import Job, JobCancelled, aio
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from .. import targets
from ..cluster import Cluster
from ..conftest import the_cluster, warm
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("cluster", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler of each sort, shared by the tests, which it does not outlive."""
    made: Scheduler
    if request.param == "process":
        made = ProcessScheduler(2)
    else:
        assert isinstance(the_cluster(), Cluster)
        made = GridEngineScheduler(max_workers=2)
    # Not by `with`, in which it would be what maps use that name no other.
    with contextlib.closing(made):
        warm(made, 2)
        # Large values have memory of their own, which is there from then on.
        gridengine.map(targets.give, [np.arange(100_000)], scheduler=made)
        yield made


def started(scheduler: Scheduler, target: Callable[..., Any], *args: Any, **options: Any) -> Any:
    job = Job(target=target, args=args, scheduler=scheduler, **options)
    job.start()
    return job


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """As `asyncio.run`, but a test that hangs fails."""
    return asyncio.run(asyncio.wait_for(main, 60))


def touch_and_sleep(path: str) -> None:
    Path(path).touch()
    time.sleep(600)


def note(folder: str, x: int) -> int:
    (Path(folder) / str(x)).touch()
    if x:
        time.sleep(600)
    return x


async def there(path: Path) -> None:
    while not path.exists():
        await asyncio.sleep(0.01)


async def gathered(values: AsyncIterator[Any], got: list[Any]) -> None:
    async for value in values:
        got.append(value)


async def counted(n: int) -> AsyncIterator[int]:
    for x in range(n):
        if x % 3 == 0:
            await asyncio.sleep(0)
        yield x


# ---------------------------------------------------------------------- await job


def test_a_job_is_awaited(scheduler: Scheduler) -> None:
    async def main() -> None:
        assert await started(scheduler, targets.square, 7) == 49
        job = started(scheduler, targets.fail, ZeroDivisionError("really"))
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="really"):
                await job

    run(main())


@pytest.mark.parametrize("value", [np.arange(100_000), np.float64(2.5), {1: "x" * 10_000}, None])
def test_values_of_all_sorts_and_sizes_come(scheduler: Scheduler, value: Any) -> None:
    async def main() -> None:
        job = started(scheduler, targets.give, value)
        for got in await asyncio.gather(job, job):
            np.testing.assert_array_equal(got, value)
        assert await job is job.result

    run(main())


def test_a_job_that_is_over_is_awaited_without_a_turn_of_the_loop(scheduler: Scheduler) -> None:
    async def main() -> None:
        job = started(scheduler, targets.square, 3)
        job.join()
        with pytest.raises(StopIteration) as over:
            job.__await__().send(None)
        assert over.value.value == 9

    run(main())


def test_a_job_that_was_not_started_is_not_awaited() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="cannot await a job before it is started"):
            await Job(target=targets.square, args=(1,))

    run(main())


def test_many_tasks_of_two_loops_await_one_job(scheduler: Scheduler, tmp_path: Path) -> None:
    job = started(scheduler, targets.sleep, 0.2)
    got: list[Any] = []

    async def main() -> None:
        got.extend(await asyncio.gather(*[job] * 5))

    threads = [threading.Thread(target=run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [0.2] * 10


def test_thousands_of_jobs_are_awaited_without_a_thread_each(scheduler: Scheduler) -> None:
    async def main() -> None:
        before = threading.active_count()
        jobs = [started(scheduler, targets.square, x) for x in range(3000)]
        waiting = asyncio.gather(*jobs)
        while not waiting.done():
            assert threading.active_count() <= before + 1
            await asyncio.sleep(0.001)
        assert await waiting == [x * x for x in range(3000)]

    run(main())


@pytest.mark.parametrize("how", ["cancel", "wait_for", "group"])
def test_a_task_that_is_cancelled_ends_the_job_that_it_awaits(
    scheduler: Scheduler, tmp_path: Path, how: str
) -> None:
    async def wait(job: Any) -> None:
        await job

    async def fail_in_a_group(job: Any) -> None:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]  # Python 3.11
            group.create_task(wait(job))
            await asyncio.sleep(0)
            raise ZeroDivisionError

    async def main() -> None:
        job = started(scheduler, touch_and_sleep, str(tmp_path / how))
        await there(tmp_path / how)
        if how == "cancel":
            task = asyncio.ensure_future(job)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "wait_for":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(job, 0.01)
        elif sys.version_info >= (3, 11):
            with pytest.raises(BaseException, match="unhandled errors"):
                await fail_in_a_group(job)
        else:
            job.kill()
        with pytest.raises(JobCancelled):
            await job

    run(main())


def test_a_shield_keeps_the_job(scheduler: Scheduler) -> None:
    async def main() -> None:
        job = started(scheduler, targets.sleep, 0.3)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(job), 0.01)
        assert await job == 0.3

    run(main())


def test_a_loop_that_is_closed_while_a_job_runs_harms_nobody(scheduler: Scheduler) -> None:
    job = started(scheduler, targets.sleep, 0.3)
    loop = asyncio.new_event_loop()
    coroutine = job.__await__()
    loop.run_until_complete(asyncio.sleep(0))

    async def begin() -> None:
        coroutine.send(None)

    loop.run_until_complete(begin())
    loop.close()
    assert job.result == 0.3
    coroutine.close()
    assert gridengine.map(targets.square, [2], scheduler=scheduler) == [4]


# ---------------------------------------------------------------------- maps


def test_a_map_is_awaited(scheduler: Scheduler) -> None:
    async def main() -> None:
        assert await aio.map(targets.square, range(2000), scheduler=scheduler) == [
            x * x for x in range(2000)
        ]
        assert await aio.map(targets.square, [], scheduler=scheduler) == []
        assert await aio.map(pow, [2, 3], counted(5), scheduler=scheduler) == [1, 3]
        assert await aio.map(pow, counted(2), [1, 2, 3], scheduler=scheduler) == [0, 1]

    run(main())


@pytest.mark.parametrize("each", [aio.imap, aio.imap_unordered])
@pytest.mark.parametrize("make", [range, counted, lambda n: iter(range(n))])
@pytest.mark.parametrize("buffersize", [None, 1, 50])
def test_values_come_one_by_one(
    scheduler: Scheduler, each: Any, make: Callable[[int], Any], buffersize: int | None
) -> None:
    async def main() -> None:
        values = each(targets.square, make(150), scheduler=scheduler, buffersize=buffersize)
        got = [value async for value in values]
        assert (got if each is aio.imap else sorted(got)) == [x * x for x in range(150)]

    run(main())


def test_what_a_call_raises_comes_after_the_values_before_it(scheduler: Scheduler) -> None:
    async def main() -> None:
        got: list[int] = []
        values = aio.imap(
            targets.fail_at, counted(9), itertools.repeat(5), scheduler=scheduler, chunksize=1
        )
        with pytest.raises(ZeroDivisionError, match="at 5"):
            await gathered(values, got)
        assert got == list(range(len(got)))
        with pytest.raises(ZeroDivisionError, match="at 5"):
            await aio.map(targets.fail_at, range(9), itertools.repeat(5), scheduler=scheduler)
        kept = await aio.map(
            targets.fail_at, range(9), itertools.repeat(5), scheduler=scheduler, reraise=False
        )
        assert [gridengine.raised(value) for value in kept] == [x == 5 for x in range(9)]
        with pytest.raises(RuntimeError) as raised:
            await aio.map(targets.fail, [StopIteration("x")], scheduler=scheduler)
        assert isinstance(raised.value.__cause__, StopIteration)

    run(main())


def test_what_drawing_raises_is_raised(scheduler: Scheduler) -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise LookupError("no more")

    async def main() -> None:
        with pytest.raises(LookupError, match="no more"):
            await aio.map(targets.square, broken(), scheduler=scheduler)

    run(main())


def test_a_result_does_not_wait_for_the_next_item(scheduler: Scheduler) -> None:
    async def main() -> None:
        go_on = asyncio.Event()

        async def conversation() -> AsyncIterator[int]:
            for x in range(5):
                yield x
                await go_on.wait()
                go_on.clear()

        got = []
        async for value in aio.imap(targets.square, conversation(), scheduler=scheduler):
            got.append(value)
            go_on.set()
        assert got == [0, 1, 4, 9, 16]

    run(main())


def test_no_more_is_drawn_and_made_than_the_buffer_takes(scheduler: Scheduler) -> None:
    drawn = 0

    async def endless() -> AsyncIterator[int]:
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    async def main() -> None:
        asked = 0
        values = aio.imap(targets.give, endless(), scheduler=scheduler, buffersize=3)
        async for value in values:
            asked += 1
            assert value == asked
            assert drawn <= asked + 3
            if asked == 100:
                break
        await values.aclose()

    run(main())


def test_a_consumer_that_takes_its_time_makes_the_map_wait(scheduler: Scheduler) -> None:
    drawn = itertools.count()

    async def main() -> None:
        values = aio.imap(targets.give, drawn, scheduler=scheduler, chunksize=1)
        assert await anext(values) == 0
        seen = -1
        while seen != (seen := int(repr(drawn)[6:-1])):
            await asyncio.sleep(0.5)
        assert seen < 10_000
        await values.aclose()

    run(main())


@pytest.mark.parametrize("how", ["cancel", "timeout", "aclose", "let go of"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_map_that_is_left_early_ends_what_runs(
    scheduler: Scheduler, tmp_path: Path, how: str, asynchronous: bool
) -> None:
    async def endless() -> AsyncIterator[int]:
        for x in itertools.count():
            yield x

    def items() -> Any:
        return endless() if asynchronous else itertools.count()

    async def main() -> None:
        folders = itertools.repeat(str(tmp_path))
        if how == "cancel":
            task = asyncio.ensure_future(aio.map(note, folders, items(), scheduler=scheduler))
            await there(tmp_path / "2")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "timeout":
            with pytest.raises(gridengine.TimeoutError):
                await aio.map(note, folders, items(), scheduler=scheduler, timeout=0.5)
        else:
            values = aio.imap(note, folders, items(), scheduler=scheduler, chunksize=1)
            assert await anext(values) == 0
            await there(tmp_path / "2")
            if how == "aclose":
                await values.aclose()
            del values
            gc.collect()
        # All workers are free for what comes next.
        assert await aio.map(targets.square, range(4), scheduler=scheduler) == [0, 1, 4, 9]

    run(main())


def test_a_map_whose_loop_is_closed_ends(scheduler: Scheduler) -> None:
    loop = asyncio.new_event_loop()
    values = aio.imap(targets.give, itertools.count(), scheduler=scheduler)

    async def first(values: AsyncIterator[Any]) -> Any:
        return await anext(values)

    assert loop.run_until_complete(first(values)) == 0
    loop.close()
    wait_until(
        lambda: not any(thread.name == "gridengine-aio" for thread in threading.enumerate()),
        what="the map's thread is gone",
    )
    del values


def test_maps_run_at_once_in_one_loop(scheduler: Scheduler) -> None:
    async def main() -> None:
        maps = [aio.map(targets.square, counted(200), scheduler=scheduler) for _ in range(5)]
        assert await asyncio.gather(*maps) == [[x * x for x in range(200)]] * 5

    run(main())


def test_what_cannot_be_is_said() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="cannot be called"):
            await aio.map(3, [1])  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="at least one iterable"):
            await aio.map(abs)
        with pytest.raises(TypeError, match=r"lambda \*args: asyncio\.run\(there\(\*args\)\)"):
            await aio.map(there, [1])
        for items in (3, counted(1)):
            with pytest.raises(TypeError, match="not iterable"):
                await aio.map(pow, 3, items)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="buffersize"):
            await anext(aio.imap(abs, [1], buffersize=0))
        with pytest.raises(ValueError, match="the names are"):
            await aio.map(abs, [1], scheduler="nonsense")

    run(main())


def test_the_scheduler_of_the_with_is_used() -> None:
    async def main() -> None:
        with ProcessScheduler(1):
            assert os.getpid() not in await aio.map(targets.pid, [1])
            assert await aio.map(targets.square, counted(2)) == [0, 1]

    run(main())


def test_a_scheduler_that_is_closed_ends_the_map() -> None:
    async def main() -> None:
        with ProcessScheduler(1) as scheduler:
            waiting = asyncio.ensure_future(aio.map(time.sleep, [600], scheduler=scheduler))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(scheduler.close)
            with pytest.raises((gridengine.SchedulerError, JobCancelled)):
                await waiting

    run(main())


# ---------------------------------------------------------------------- programs


def in_a_loop(x: int) -> list[int]:
    async def main() -> list[int]:
        inner = Job(target=targets.square, args=(x,))
        inner.start()
        values = await aio.map(targets.square, counted(3))
        return [await inner, *values, *[y async for y in aio.imap(targets.square, [x])]]

    return asyncio.run(main())


def test_a_job_may_have_a_loop_of_its_own(scheduler: Scheduler) -> None:
    assert started(scheduler, in_a_loop, 3).result == [9, 0, 1, 4, 9]


INTERRUPTED = """
import asyncio, itertools, os, signal, time
import gridengine
def slow(x):
    time.sleep(600)
async def main():
    asyncio.get_running_loop().call_later(1, os.kill, os.getpid(), signal.SIGINT)
    {what}
with gridengine.schedulers.ProcessScheduler(2) as scheduler:
    asyncio.run(main())
"""

LEFT = """
import asyncio, itertools, time
import gridengine
async def main():
    values = gridengine.aio.imap(abs, itertools.count(), scheduler="process")
    print(await anext(values))
    task = asyncio.ensure_future(gridengine.aio.map(time.sleep, [600], scheduler="process"))
    await asyncio.sleep(0.1)
    globals()["kept"] = values, task
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
{end}
"""


def program(text: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "program.py"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "what",
    [
        "await gridengine.aio.map(slow, range(5), scheduler=scheduler)",
        "[x async for x in gridengine.aio.imap(slow, itertools.count(), scheduler=scheduler)]",
        "j = gridengine.Job(target=slow, args=(1,), scheduler=scheduler); j.start(); await j",
    ],
)
def test_ctrl_c_ends_the_program_and_its_jobs(tmp_path: Path, what: str) -> None:
    began = time.monotonic()
    done = program(INTERRUPTED.format(what=what), tmp_path)
    assert time.monotonic() - began < 30
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"


@pytest.mark.parametrize("end", ["", "loop.close()"])
def test_a_program_that_ends_while_maps_run_does_not_wait_for_them(
    tmp_path: Path, end: str
) -> None:
    began = time.monotonic()
    done = program(LEFT.format(end=end), tmp_path)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    assert time.monotonic() - began < 30


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, "examples/asyncio_map.py"],
        cwd=ROOT,
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["942", "[132, 511]", "312", "722", "1170"]
