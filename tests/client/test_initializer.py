"""What a scheduler's workers call before their first job."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import InitializerError, Job, JobDied, PackingError
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

#: In a worker: what the initializer was called with, each time.
CALLED: list[tuple[Any, ...]] = []


@pytest.fixture(
    params=["process", pytest.param("gridengine", marks=[pytest.mark.cluster, pytest.mark.slow])]
)
def made(request: pytest.FixtureRequest) -> type[Scheduler]:
    """Each sort of scheduler in turn."""
    if request.param == "process":
        return ProcessScheduler
    request.getfixturevalue("cluster")
    return GridEngineScheduler


@pytest.fixture
def two(made: type[Scheduler]) -> Iterator[Any]:
    """Makes a scheduler with two workers, which is closed in the end."""
    opened: list[Scheduler] = []

    def make(**options: Any) -> Scheduler:
        opened.append(made(max_workers=2, **options))  # type: ignore[call-arg]  # both have it
        return opened[-1]

    yield make
    for scheduler in opened:
        scheduler.close()


def note(*args: Any) -> None:
    CALLED.append((os.getpid(), *args))


def noted(_: object = None) -> list[tuple[Any, ...]]:
    return CALLED


def raise_it() -> None:
    raise OSError("no licence left")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_each_worker_calls_it_once_before_its_first_job(two: Any) -> None:
    scheduler = two(initializer=note, initargs=("model", 3))
    for _ in range(3):
        for calls in gridengine.map(noted, range(20), scheduler=scheduler, chunksize=1):
            assert [call[1:] for call in calls] == [("model", 3)]
    job = Job(target=lambda: (os.getpid(), noted()), scheduler=scheduler)
    job.start()
    pid, calls = job.result
    assert calls == [(pid, "model", 3)]


def test_a_fresh_worker_calls_it_for_each_job(two: Any) -> None:
    scheduler = two(initializer=note, fresh=True)
    calls = gridengine.map(noted, range(4), scheduler=scheduler)
    assert [len(each) for each in calls] == [1] * 4
    assert len({each[0][0] for each in calls}) == 4


def test_a_worker_that_takes_the_place_of_a_dead_one_calls_it_too(two: Any) -> None:
    scheduler = two(initializer=note)
    job = Job(target=die, scheduler=scheduler, retries=0)
    job.start()
    assert isinstance(job.exception, JobDied)
    for calls in gridengine.map(noted, range(8), scheduler=scheduler, chunksize=1):
        assert len(calls) == 1


def test_it_may_be_set_on_a_copy_of_a_scheduler(made: type[Scheduler]) -> None:
    plain = made(max_workers=1)  # type: ignore[call-arg]
    with copy.copy(plain) as scheduler:
        scheduler.initializer, scheduler.initargs = note, ["set"]
        assert [call[1:] for call in gridengine.map(noted, [0])[0]] == [("set",)]
    with plain:
        assert gridengine.map(noted, [0]) == [[]]


def test_one_of_main_with_a_large_array_is_called_with_it() -> None:
    numpy = pytest.importorskip("numpy")
    table = numpy.arange(100_000)

    def keep(array: Any) -> None:
        import builtins

        builtins.kept = array  # type: ignore[attr-defined]

    def look(place: int) -> int:
        import builtins

        return int(builtins.kept[place])  # type: ignore[attr-defined]

    with ProcessScheduler(2, initializer=keep, initargs=(table,)) as scheduler:
        assert gridengine.map(look, [0, 7, 99_999], scheduler=scheduler) == [0, 7, 99_999]


def test_one_that_raises_fails_every_job_with_what_it_raised(two: Any) -> None:
    scheduler = two(initializer=raise_it)
    with pytest.raises(InitializerError, match="raise_it raised OSError: no licence left") as info:
        gridengine.map(abs, range(100), scheduler=scheduler)
    assert "in raise_it" in str(info.value.__cause__)
    results = gridengine.map(abs, range(10), scheduler=scheduler, reraise=False)
    assert [type(each) for each in results] == [InitializerError] * 10
    assert all(map(gridengine.raised, results))
    job = Job(target=abs, args=(1,), scheduler=scheduler, retries=2)
    job.start()
    assert isinstance(job.exception, InitializerError)


def test_sys_exit_in_it_fails_the_jobs_too(two: Any) -> None:
    job = Job(target=abs, args=(1,), scheduler=two(initializer=exit))
    job.start()
    assert isinstance(job.exception, InitializerError)


def test_one_that_kills_its_worker_has_the_jobs_die_of_it(two: Any) -> None:
    scheduler = two(initializer=die)
    jobs = [Job(target=abs, args=(n,), scheduler=scheduler) for n in range(3)]
    for job in jobs:
        job.start()
    assert [type(job.exception) for job in jobs] == [JobDied] * 3
    assert {job.exception.signal for job in jobs if isinstance(job.exception, JobDied)} == {
        "SIGKILL"
    }
    with pytest.raises(JobDied):
        gridengine.map(abs, range(100), scheduler=scheduler)


def test_one_that_cannot_travel_is_told_to_who_starts_the_first_job() -> None:
    scheduler = ProcessScheduler(1, initializer=note, initargs=(threading.Lock(),))
    with pytest.raises(PackingError, match="the initializer"):
        gridengine.map(abs, [1], scheduler=scheduler)


@pytest.mark.parametrize("made", [ProcessScheduler, GridEngineScheduler])
def test_what_cannot_be_called_is_refused_at_once(made: Any) -> None:
    with pytest.raises(TypeError, match="initializer is 'load', which cannot be called"):
        made(initializer="load")
    scheduler = ProcessScheduler(1)
    scheduler.initializer = "load"  # type: ignore[assignment]
    with pytest.raises(TypeError, match="initializer is 'load', which cannot be called"):
        gridengine.map(abs, [1], scheduler=scheduler)


OF_A_MANAGER = """\
import multiprocessing
import gridengine

def share(lock):
    global shared
    shared = lock

def use_shared(x):
    with shared:
        return x

def use(lock):
    with gridengine.Pool(2, share, (lock,), scheduler="process") as pool:
        return pool.map(use_shared, range(3))

if __name__ == "__main__":
    try:
        use(multiprocessing.Lock())
    except gridengine.PackingError as error:
        assert "take that of a multiprocessing.Manager()" in str(error)
        print("refused")
    with multiprocessing.Manager() as manager:
        print(use(manager.Lock()))
"""


def test_a_lock_for_all_workers_is_that_of_a_manager(tmp_path: Path) -> None:
    # In a process of its own: multiprocessing's tracker of resources stays until its end.
    program = tmp_path / "program.py"
    program.write_text(OF_A_MANAGER, encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["refused", "[0, 1, 2]"], done.stderr
