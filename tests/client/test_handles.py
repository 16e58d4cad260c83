"""What a scheduler asks for its jobs holds by whichever handle they are started."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

import gridengine
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)

from ..conftest import warm

WANTED = ("/", "x", 3)

_seen: list[int] = []


def note(number: int) -> None:
    _seen.append(number)


def look(_: object = None) -> tuple[str, str | None, int]:
    from tests.client import test_handles

    return os.getcwd(), os.environ.get("MODE"), test_handles._seen[-1]


def by_job() -> object:
    job = gridengine.Job(target=look)
    job.start()
    return job.result


def by_pool(face: str) -> Callable[[], object]:
    def ask() -> object:
        with gridengine.Pool() as pool:
            if face == "apply":
                return pool.apply(look)
            return next(iter(getattr(pool, face)(look, [0])))

    return ask


def by_executor(face: str) -> Callable[[], object]:
    def ask() -> object:
        with gridengine.Executor() as executor:
            if face == "submit":
                return executor.submit(look).result()
            return next(iter(executor.map(look, [0])))

    return ask


def by_joblib() -> object:
    joblib = pytest.importorskip("joblib")
    import gridengine.compat.joblib  # noqa: F401  # registers it

    with joblib.parallel_config("gridengine", n_jobs=2):
        return joblib.Parallel()([joblib.delayed(look)() for _ in range(2)])[0]


HANDLES: dict[str, Callable[[], object]] = {
    "map": lambda: gridengine.map(look, [0])[0],
    "imap": lambda: next(gridengine.imap(look, [0])),
    "aio": lambda: asyncio.run(gridengine.aio.map(look, [0]))[0],
    "job": by_job,
    **{f"pool.{face}": by_pool(face) for face in ("apply", "map", "imap", "imap_unordered")},
    **{f"executor.{face}": by_executor(face) for face in ("submit", "map")},
    "joblib": by_joblib,
}


@pytest.fixture(
    scope="module",
    autouse=True,
    params=["inline", "process", pytest.param("cluster", marks=pytest.mark.cluster)],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    kinds = {"inline": InlineScheduler, "process": ProcessScheduler, "cluster": GridEngineScheduler}
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    limit = {} if request.param == "inline" else {"max_workers": 2}
    made: Scheduler = kinds[request.param](
        initializer=note, initargs=(3,), cwd="/", env={"MODE": "x"}, **limit
    )
    # Within it, it is that of whoever names none.
    with made:
        warm(made, 1 if request.param == "inline" else 2)
        yield made


@pytest.mark.parametrize("handle", HANDLES)
def test_directory_variables_and_initializer_hold(handle: str) -> None:
    assert HANDLES[handle]() == WANTED
