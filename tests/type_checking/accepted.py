"""What a user's type checker accepts, and what it takes each of these for."""

from __future__ import annotations

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


assert_type(gridengine.map(length, ["a", "b"]), list[int])

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
