"""What jobs and maps ask of the batch system, and ask for more of when it was too little."""

from __future__ import annotations

import datetime
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import DeathCause, Job, JobDied
from gridengine.schedulers import GridEngineScheduler, InlineScheduler, ProcessScheduler

from ..conftest import warm

MIB = 2**20

CLUSTER = pytest.mark.cluster


def take(mib: int) -> tuple[int, int]:
    """Takes memory, and returns how much, and how much there is at most."""
    block = bytearray(mib * MIB)
    return len(block) // MIB, resource.getrlimit(resource.RLIMIT_AS)[0] // MIB


def many_blocks(mib: int) -> list[bytes]:
    """Returns what takes as much memory again to be packed."""
    return [bytes(1000) for _ in range(1000 * mib)]


def ended(target: Any, *args: Any, **options: Any) -> Job[Any]:
    job = Job(target=target, args=args, **options)
    job.start()
    job.join()
    return job


# -- what cannot be asked for -----------------------------------------------------------------

NONSENSE: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"escalate": {}}, ValueError, "escalate is empty"),
    ({"escalate": ["2G"]}, TypeError, "takes a dict of requests"),
    ({"escalate": {"h_vmem": []}}, ValueError, "nothing to ask for"),
    ({"escalate": {"h_vmem": "2G"}}, TypeError, "takes a list of requests"),
    ({"escalate": {"h_vmem": 2**31}}, TypeError, "takes a list of requests"),
    ({"escalate": {"h_vmem": ["2G", "two"]}}, ValueError, "'two', which is no size"),
    ({"escalate": {"h_vmem": ["2G", True]}}, ValueError, "True, which is no size"),
    ({"escalate": {"h_vmem": ["4G", "2G"]}}, ValueError, "'2G' after '4G'"),
    ({"escalate": {"h_vmem": ["2G", 2**31]}}, ValueError, "must be for more than the one before"),
    ({"escalate": {"h_rt": ["00:10:00", 60]}}, ValueError, "60 after '00:10:00'"),
    ({"escalate": {"h_rt": ["soon", 60]}}, ValueError, "'soon', which is no time"),
    ({"escalate": {"gpu": [1, 2]}}, ValueError, "only memory .* and time"),
    (
        {"escalate": {"h_vmem": ["2G"]}, "resources": {"h_vmem": "1G"}},
        ValueError,
        "both have 'h_vmem'",
    ),
    ({"escalate": {"h_vmem": ["2G"]}, "memory": "auto"}, ValueError, "two ways to say"),
    ({"memory": "much"}, ValueError, "takes '4G', bytes, or 'auto'"),
    ({"memory": "4"}, ValueError, "in which no Python starts"),
    ({"memory": 1.5}, TypeError, "takes '4G', bytes, or 'auto'"),
    ({"memory": True}, TypeError, "takes '4G', bytes, or 'auto'"),
    ({"resources": [1]}, TypeError, "takes a dict of requests"),
    ({"resources": {1: 1}}, TypeError, "takes a dict of requests"),
]


@pytest.mark.parametrize(("options", "kind", "words"), NONSENSE)
def test_what_cannot_be_asked_for_is_told_at_once(
    options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        Job(target=take, args=(1,), **options)
    for face in (gridengine.map, gridengine.imap, gridengine.imap_unordered):
        with pytest.raises(kind, match=words):
            face(take, [1], **options)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"memory_resource": 1}, TypeError, "takes a name"),
        ({"memory_resource": "h vmem"}, ValueError, "cannot be the name of a resource"),
        ({"memory_max": "lots"}, ValueError, "such as '64G'"),
        ({"memory_max": 1.5}, TypeError, "or bytes"),
    ],
)
def test_what_a_scheduler_cannot_be_told_of_memory(
    options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        GridEngineScheduler(**options)


# -- where requests mean nothing --------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: ProcessScheduler(2), InlineScheduler])
@pytest.mark.parametrize(
    "options",
    [
        {"memory": "4G"},
        {"memory": "auto"},
        {"resources": {"h_vmem": "4G"}},
        {"escalate": {"h_vmem": ["2G", "4G"], "h_rt": [60, datetime.timedelta(hours=1)]}},
    ],
)
def test_where_requests_have_no_meaning_they_do_no_harm(make: Any, options: Any) -> None:
    with make():
        assert ended(take, 1, **options).result[0] == 1
        assert [taken for taken, _ in gridengine.map(take, [1, 2], **options)] == [1, 2]
        assert [taken for taken, _ in gridengine.imap(take, [1, 2], **options)] == [1, 2]


def test_there_a_death_is_one_like_all_others() -> None:
    with ProcessScheduler(1):
        job = ended(os._exit, 3, escalate={"h_vmem": ["2G", "4G"]}, retries=1)
    assert isinstance(job.exception, JobDied)
    assert job.attempts == 2


class Own(Job[int]):
    def run(self) -> int:
        return 7


def test_a_job_that_travels_as_an_object_takes_what_it_asks_for_along() -> None:
    with ProcessScheduler(1):
        job = Own(escalate={"h_vmem": ["2G", "4G"]}, mutable=True)
        job.start()
        assert job.result == 7


# -- on a cluster -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid(request: pytest.FixtureRequest) -> Iterator[GridEngineScheduler]:
    """Its queue jobs with little memory and time are shared by the tests of this file."""
    request.getfixturevalue("cluster")
    with GridEngineScheduler(h_vmem="1G") as scheduler:
        warm(scheduler, 1)
        yield scheduler


STEPS = {"h_vmem": ["1G", "2G"]}


@pytest.mark.cluster
def test_a_job_short_of_memory_is_given_more(grid: GridEngineScheduler) -> None:
    job = ended(take, 1200, escalate=STEPS, retries=0)
    assert job.result == (1200, 2048)
    assert job.attempts == 2


@pytest.mark.cluster
def test_one_whose_result_does_not_fit_dies_and_is_given_more(grid: GridEngineScheduler) -> None:
    job = ended(many_blocks, 200, escalate={"h_vmem": ["400M", "2G"]}, retries=0)
    assert len(job.result) == 200_000
    assert job.attempts == 2


@pytest.mark.cluster
def test_at_the_last_step_it_says_what_was_tried(grid: GridEngineScheduler) -> None:
    error = ended(take, 5000, escalate=STEPS, retries=3).exception
    assert isinstance(error, MemoryError)
    assert "it was tried with h_vmem 1G and 2G" in " ".join(error.__notes__)  # type: ignore[attr-defined]


@pytest.mark.cluster
def test_of_a_map_the_calls_that_need_more_get_it_and_no_others(grid: GridEngineScheduler) -> None:
    sizes = [1, 2, 1200, 3, 5000, 4]
    got = gridengine.map(take, sizes, escalate=STEPS, reraise=False)
    assert isinstance(got[4], MemoryError)
    assert "call 4" in " ".join(got[4].__notes__)  # type: ignore[attr-defined]
    assert dict(got[:4] + got[5:]) == {1: 1024, 2: 1024, 3: 1024, 4: 1024, 1200: 2048}


@pytest.mark.slow
@pytest.mark.cluster
def test_a_job_over_its_h_rt_is_given_more_time(grid: GridEngineScheduler) -> None:
    job = ended(time.sleep, 4, escalate={"h_rt": [2, 60]}, retries=0)
    assert (job.result, job.attempts) == (None, 2)
    died = ended(time.sleep, 60, escalate={"h_rt": [2, 3]}, retries=0).exception
    assert isinstance(died, JobDied)
    assert died.cause is DeathCause.OVER_TIME
    assert "tried with h_rt 2 s and 3 s" in died.advice


@pytest.mark.cluster
def test_memory_is_asked_for_by_whatever_name_it_has(grid: GridEngineScheduler) -> None:
    assert ended(take, 1, memory="600M").result == (1, 600)
    assert gridengine.map(take, [1, 2], memory=700 * MIB) == [(1, 700), (2, 700)]


@pytest.mark.cluster
def test_later_jobs_ask_for_what_the_first_have_used(cluster: Any) -> None:
    with GridEngineScheduler(h_vmem="3G", max_workers=2, lifetime=2) as scheduler:
        first = gridengine.map(take, [10] * 6, memory="auto", chunksize=1)
        assert {limit for _, limit in first[:5]} == {3072}
        assert all(taken == 10 for taken, _ in first)
        end = time.monotonic() + 30
        limit = 3072
        while limit == 3072 and time.monotonic() < end:
            # Those who are there serve until they leave.
            [(_, limit)] = gridengine.map(take, [10], memory="auto")
        assert 100 < limit < 1536
        # Who needs more than the others gets it.
        assert gridengine.map(take, [limit + 100], memory="auto")[0][1] == 2 * limit
        assert scheduler.memory_resource == "h_vmem"


@pytest.mark.parametrize("where", ["process", pytest.param("grid_engine", marks=CLUSTER)])
def test_the_example_runs(where: str, request: pytest.FixtureRequest) -> None:
    if where == "grid_engine":
        request.getfixturevalue("cluster")
    done = subprocess.run(
        [sys.executable, "examples/enough_memory.py"],
        env={**os.environ, "GRIDENGINE_SCHEDULER": where},
        cwd=Path(gridengine.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[2] == f"1200 MB: {1200 * MIB} bytes", done.stderr


@pytest.mark.cluster
def test_a_job_that_learns_gets_no_more_than_the_most(cluster: Any) -> None:
    with GridEngineScheduler(h_vmem="1G", memory_max="2G"):
        error = ended(take, 5000, memory="auto", retries=0).exception
        assert isinstance(error, MemoryError)
        assert "tried with h_vmem 1G and 2G" in " ".join(error.__notes__)  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="more than the scheduler's memory_max"):
            Job(target=take, args=(1,), memory="3G").start()
