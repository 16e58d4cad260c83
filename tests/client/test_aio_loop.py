"""How long jobs and maps keep an event loop from all else: never for a millisecond."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridengine import Job, aio
from gridengine.client.asynchronous.deliveries import Deliveries
from gridengine.client.map_runs import MapRuns
from gridengine.client.stream_control import StreamControl
from gridengine.schedulers import ProcessScheduler

from .. import targets

ROOT = Path(__file__).parents[2]

#: Seconds of the loop's own processor time between two turns of a task that only ticks.
LIMIT = 0.001

#: Of none, be it the machine's.
LONGEST = 0.02

ARRAYS = [np.full(500_000, x) for x in range(20)]

#: Runs of which one must keep to it: an interrupt of the machine's counts as time of the thread.
RUNS = 5


async def turns_of(work: Awaitable[Any]) -> tuple[list[float], Any]:
    """Returns the processor time that the loop took for each turn, and what came of it."""
    turns: list[float] = []

    async def tick() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            turns.append(now - last)
            last = now

    ticking = asyncio.ensure_future(tick())
    await asyncio.sleep(0)
    kept = await work
    # Before what has come is let go of, which may take long and is nobody's but the task's.
    measured = turns[:]
    ticking.cancel()
    return measured, kept


async def a_thousand_jobs(scheduler: ProcessScheduler) -> Any:
    jobs = []
    for x in range(1000):
        job = Job(target=targets.square, args=(x,), scheduler=scheduler)
        job.start()
        jobs.append(asyncio.ensure_future(job))
        # To start them is the task's own time.
        await asyncio.sleep(0)
    # Not by `gather`, which goes through all of them at once.
    for waiting in jobs:
        await waiting
    return jobs


async def a_map(scheduler: ProcessScheduler) -> Any:
    return await aio.map(targets.square, range(100_000), scheduler=scheduler)


async def values_that_are_let_go_of(scheduler: ProcessScheduler) -> Any:
    async for _ in aio.imap(targets.square, range(50_000), scheduler=scheduler):
        pass


async def asynchronous_items(scheduler: ProcessScheduler) -> Any:
    async def items() -> AsyncIterator[int]:
        for x in range(20_000):
            yield x

    return [value async for value in aio.imap(targets.square, items(), scheduler=scheduler)]


async def large_arrays(scheduler: ProcessScheduler) -> Any:
    return [value async for value in aio.imap(targets.give, ARRAYS, scheduler=scheduler)]


async def jobs_of_large_arrays(scheduler: ProcessScheduler) -> Any:
    jobs = [Job(target=np.full, args=(2_000_000, x), scheduler=scheduler) for x in range(10)]
    for job in jobs:
        job.start()
        await asyncio.sleep(0)
    return [await job for job in jobs]


WORKS = {
    work.__name__: work
    for work in (
        a_thousand_jobs, a_map, values_that_are_let_go_of, asynchronous_items, large_arrays,
        jobs_of_large_arrays,
    )
}  # fmt: skip


def what_is_wrong_with(name: str) -> str:
    """Returns what is too long in each of some runs of a work, nothing if one has kept to it."""
    gc.disable()
    seen = []
    with ProcessScheduler(2) as scheduler:
        for _ in range(RUNS):
            turns, _kept = asyncio.run(turns_of(WORKS[name](scheduler)))
            long = sum(turn > LIMIT for turn in turns)
            # What the machine takes for itself counts as time of the thread, too.
            if long <= 1 + len(turns) / 1000 and max(turns) < LONGEST:
                return ""
            seen.append(f"{long} of {len(turns)}, {1000 * max(turns):.1f} ms at most")
    return "; ".join(seen)


@pytest.mark.alone
@pytest.mark.parametrize("name", WORKS)
def test_of_a_thousand_turns_of_the_loop_not_two_take_a_millisecond(name: str) -> None:
    # In a program that has nothing else: the tests before this one leave their traces.
    program = f"from tests.client.test_aio_loop import *; print(what_is_wrong_with({name!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=80
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_a_map_for_a_loop_packs_and_unpacks_little_at_once(laptop: ProcessScheduler) -> None:
    # Nobody else has the interpreter meanwhile.
    options: dict[str, Any] = {"scheduler": laptop}
    runs = list(MapRuns(targets.square, (range(20_000),), **options).start(StreamControl()))
    assert max(map(len, runs)) <= 500
    items = [str(x % 10) * 10_000 + str(x) for x in range(200)]
    runs = list(MapRuns(targets.give, (items,), **options).start(StreamControl()))
    assert max(map(len, runs)) <= 10


def test_ctrl_c_in_a_callback_keeps_the_others_from_nothing() -> None:
    loop = asyncio.new_event_loop()
    delivered = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    try:
        deliveries = Deliveries(loop)
        for callback in (interrupted, lambda: delivered.append("the next"), loop.stop):
            deliveries.add(callback)
        with pytest.raises(KeyboardInterrupt):
            loop.run_forever()
        loop.run_forever()
        assert delivered == ["the next"]
        deliveries.add(lambda: delivered.append("a new one"))
        deliveries.add(loop.stop)
        loop.run_forever()
        assert delivered == ["the next", "a new one"]
    finally:
        loop.close()
