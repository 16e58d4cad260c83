"""What a user's type checker accepts, and what it takes each of these for."""

from __future__ import annotations

import concurrent.futures
from collections.abc import AsyncIterator
from typing import Any

from typing_extensions import assert_type

import gridengine
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler


def length(text: str) -> int:
    return len(text)


class Measuring(gridengine.Job[int]):
    def run(self) -> int:
        return 1


class OfAnything(gridengine.Job):
    def run(self) -> object:
        return None


def add(left: int, right: float) -> float:
    return left + right


async def arriving() -> AsyncIterator[str]:
    yield "a"


assert_type(gridengine.map(length, ["a", "b"]), list[int])
assert_type(gridengine.map(length, ["a"], reraise=False), list[int | BaseException])
assert_type(gridengine.map(add, [1], [2.0], timeout=5, chunksize=3), list[float])
assert_type(gridengine.map(lambda x: x + 1, [1]), list[int])
assert_type(gridengine.map(str, [1], escalate={"h_vmem": ["2G", 2**32]}), list[str])
assert_type(gridengine.map(str, [1], memory="auto", resources={"gpu": 1}), list[str])
assert_type(gridengine.map(str, [1], retries=2, retry_on=OSError, seed=3, cwd="/"), list[str])
for value in gridengine.imap(length, ["a"], buffersize=10):
    assert_type(value, int)
for outcome in gridengine.imap_unordered(length, ["a"], reraise=False):
    assert_type(outcome, "int | BaseException")
    if gridengine.raised(outcome):
        assert_type(outcome, BaseException)
        gridengine.replay(outcome)

with gridengine.Pool(2, scheduler=ProcessScheduler) as pool:
    assert_type(pool, gridengine.Pool)
    assert_type(pool.map(length, ["a"]), list[int])
    assert_type(pool.starmap(add, [(1, 2.0)]), list[float])
    assert_type(pool.apply(add, (1, 2.0)), float)
    assert_type(pool.apply_async(length, ("a",)).get(timeout=1), int)
    assert_type(pool.map_async(length, ["a"]).get(), list[int])
    for value in pool.imap_unordered(length, ["a"]):
        assert_type(value, int)

with gridengine.Executor(2) as executor:
    assert_type(executor, gridengine.Executor)
    assert_type(executor.submit(length, "a"), concurrent.futures.Future[int])
    assert_type(executor.submit(add, 1, right=2.0).result(), float)
    # As the documentation of concurrent.futures has it.
    names = {executor.submit(length, name): name for name in ("a", "b")}
    for future in concurrent.futures.as_completed(names):
        assert_type(names[future], str)
    for value in executor.map(length, ["a"]):
        assert_type(value, int)


async def in_a_loop(job: gridengine.Job[int]) -> None:
    assert_type(await job, int)
    assert_type(await gridengine.aio.map(length, arriving()), list[int])
    assert_type(await gridengine.aio.map(length, ["a"], reraise=False), list[int | BaseException])
    async for value in gridengine.aio.imap(add, [1], [2.0], scheduler="process"):
        assert_type(value, float)


with ProcessScheduler(2) as cores:
    assert_type(cores, ProcessScheduler)
    assert_type(cores.max_workers, int)
    gridengine.map(length, ["a"], scheduler=cores)

gridengine.map(length, ["a"], scheduler="process")
gridengine.map(length, ["a"], scheduler=ProcessScheduler)
gridengine.map(length, ["a"], scheduler=lambda: ProcessScheduler(2))

with GridEngineScheduler(h_vmem="4G") as cluster:
    assert_type(cluster, GridEngineScheduler)

job = gridengine.Job(target=length, args=("a",), resources={"h_vmem": "4G"})
assert_type(job.result, int)
assert_type(Measuring().result, int)
assert_type(OfAnything().result, Any)
annotated: gridengine.Job = job

with gridengine.JobDispatcher(cores) as dispatcher:
    assert_type(dispatcher, gridengine.JobDispatcher)
    dispatcher.dispatch([job, Measuring(), OfAnything()])
    assert_type(dispatcher.join(), list[Any])

try:
    print(job.result)
except gridengine.JobDied as death:
    assert_type(death.host, str)
    assert_type(death.index, "int | None")
    assert_type(death.cause, gridengine.DeathCause)
    assert_type(death.death, gridengine.Death)
