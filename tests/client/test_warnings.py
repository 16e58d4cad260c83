"""Warnings of jobs are shown by the program, in the thread that asks how they have ended."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)

from ..conftest import warm
from ..waiting import wait_until


class OwnWarning(UserWarning):
    """A category of the program's own."""


@pytest.fixture(
    scope="module",
    params=["inline", "process", pytest.param("cluster", marks=pytest.mark.cluster)],
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    if request.param == "inline":
        with InlineScheduler() as made:
            warm(made, 1)
            yield made
        return
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    kind = GridEngineScheduler if request.param == "cluster" else ProcessScheduler
    with kind(max_workers=2) as workers:
        warm(workers, 2)
        yield workers


def old(x: int) -> int:
    warnings.warn("old is deprecated", OwnWarning, stacklevel=1)
    return x


def test_pytest_sees_them_around_a_map(scheduler: Scheduler) -> None:
    with pytest.warns(OwnWarning, match="^old is deprecated") as told:
        assert gridengine.map(old, [1, 2], scheduler=scheduler) == [1, 2]
    assert len(told) == 2
    assert {os.path.basename(each.filename) for each in told} == {"test_warnings.py"}


def by_job(scheduler: Scheduler) -> Job[int]:
    job = Job(target=old, args=(1,), scheduler=scheduler, name="sale")
    job.start()
    job.join()
    return job


HANDLES: dict[str, Callable[[Scheduler], object]] = {
    "map": lambda s: gridengine.map(old, [1], scheduler=s),
    "imap": lambda s: list(gridengine.imap(old, [1], scheduler=s)),
    "job": by_job,
    "executor": lambda s: gridengine.Executor(scheduler=s).submit(old, 1).result(),
}


@pytest.mark.parametrize("handle", HANDLES)
def test_catch_warnings_has_them_of_every_handle(scheduler: Scheduler, handle: str) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        HANDLES[handle](scheduler)
    assert [each.category for each in told] == [OwnWarning]


def test_job_and_host_stand_in_the_text(laptop: ProcessScheduler) -> None:
    with pytest.warns(OwnWarning) as told:
        job = by_job(laptop)
    assert str(told[0].message) == f"old is deprecated [sale on {job.host}]"


def test_as_an_error_it_fails_the_job(scheduler: Scheduler) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        job = Job(target=old, args=(1,), scheduler=scheduler)
        job.start()
        assert isinstance(job.exception, OwnWarning)


def test_filters_that_have_changed_since_the_start_raise_nothing_in_who_asks(
    laptop: ProcessScheduler, recwarn: pytest.WarningsRecorder
) -> None:
    job = Job(target=old, args=(1,), scheduler=laptop)
    job.start()
    wait_until(lambda: not job.is_alive(), what="the end")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert job.result == 1


class NoText(UserWarning):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one, two)


def warn_oddly(_: int) -> None:
    warnings.warn(NoText(1, 2), stacklevel=1)
    exec("class Made(FutureWarning): pass\nwarnings.warn('made', Made)", {"warnings": warnings})


def test_what_the_program_cannot_make_is_of_the_nearest_class_that_it_can(
    laptop: ProcessScheduler,
) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gridengine.map(warn_oddly, [1], scheduler=laptop)
    assert [each.category for each in told] == [UserWarning, FutureWarning]


def catch_own(_: int) -> list[str]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        old(1)
    return [str(each.message) for each in told]


def test_what_a_job_catches_itself_is_its_own(laptop: ProcessScheduler) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gridengine.map(catch_own, [1], scheduler=laptop) == [["old is deprecated"]]


def inner_map(x: int) -> Any:
    return gridengine.map(old, [x])


def inner_job(x: int) -> Any:
    job = Job(target=old, args=(x,), name="old")
    job.start()
    return job.result


@pytest.mark.parametrize("outer", [inner_map, inner_job])
def test_a_warning_of_a_job_in_a_job_names_that_alone(
    laptop: ProcessScheduler, outer: Callable[[int], Any]
) -> None:
    with pytest.warns(OwnWarning) as told:
        gridengine.map(outer, [1], scheduler=laptop)
    assert [str(each.message) for each in told] == [
        f"old is deprecated [old on {os.uname().nodename}]"
    ]


PROGRAM = """
import logging, sys, warnings
import gridengine

def old(x):
    warnings.warn("old is deprecated", DeprecationWarning)

if __name__ == "__main__":
    if "captured" in sys.argv:
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.captureWarnings(True)
    with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        gridengine.map(old, range(8), chunksize=1, scheduler=scheduler)
        if "asked" in sys.argv:
            gridengine.map(old, range(8), chunksize=1, scheduler=scheduler)
"""


@pytest.mark.parametrize("asked", [[], ["asked"]])
def test_it_is_shown_once_for_each_place_on_standard_error(asked: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *asked], capture_output=True, text=True, timeout=60
    )
    assert done.stderr.startswith("<string>:6: DeprecationWarning: old is deprecated [old on ")
    assert done.stderr.count("deprecated [") == 1


def test_where_logging_captures_warnings_they_are_records() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "captured"], capture_output=True, text=True, timeout=60
    )
    assert done.stderr.startswith("py.warnings: <string>:6: DeprecationWarning: old is deprecated")
    assert done.stderr.count("deprecated [") == 1


def test_of_a_job_that_nobody_asks_about_they_are_shown_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        scheduler = ProcessScheduler(1)
        job = Job(target=old, args=(1,), scheduler=scheduler)
        job.start()
        wait_until(lambda: not job.is_alive(), what="the end")
        with pytest.warns(OwnWarning):
            scheduler.close()
