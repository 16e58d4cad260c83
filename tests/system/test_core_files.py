"""A crash on a node leaves no image of the memory, in which the key is; here it does as ever."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job, JobDied
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler
from gridengine.worker import os_support

from ..cluster import Cluster
from .peers import OverTcp


def limit_here() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_CORE)


def limits(_: object) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the limits of a worker, and of its supervisor."""
    import resource

    parent = resource.prlimit(os.getppid(), resource.RLIMIT_CORE)
    return resource.getrlimit(resource.RLIMIT_CORE), parent


def raise_limit(_: object) -> int:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    return hard


@pytest.fixture
def as_much_as_may_be() -> Iterator[int]:
    """The program may leave core files, as far as the host allows that."""
    before = limit_here()
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_CORE, before)


def leaves_files() -> bool:
    """Tells whether this host writes core files into the working directory, by a plain name."""
    pattern = Path("/proc/sys/kernel/core_pattern")
    return pattern.exists() and not pattern.read_text().startswith(("|", "/"))


def crash(scheduler: Scheduler, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has a job crash in an empty folder, and returns what is there then."""
    place = folder / "there"
    place.mkdir()
    monkeypatch.chdir(place)
    job = Job(target=os.abort, scheduler=scheduler, retries=0)
    job.start()
    died = job.exception
    assert isinstance(died, JobDied)
    assert died.death.signal == "SIGABRT"
    return [path.name for path in place.iterdir()]


def test_neither_supervisor_nor_worker_on_a_node_leaves_one(
    as_much_as_may_be: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hard = as_much_as_may_be
    soft = 1 if hard else 0
    with OverTcp(1) as scheduler:
        ((own, above),) = gridengine.map(limits, [0], scheduler=scheduler)
        assert own == above == (soft, hard)
        assert crash(scheduler, tmp_path, monkeypatch) == []


def test_but_for_who_wants_them(
    as_much_as_may_be: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_CORE_FILES", "1")
    with OverTcp(1) as scheduler:
        ((own, above),) = gridengine.map(limits, [0], scheduler=scheduler)
        assert own == above == limit_here()
        there = crash(scheduler, tmp_path, monkeypatch)
    if as_much_as_may_be and leaves_files():
        assert there
        assert all(name.startswith("core") for name in there)


def test_on_this_host_a_crash_leaves_what_the_program_allows(
    as_much_as_may_be: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProcessScheduler(1) as scheduler:
        assert gridengine.map(limits, [0], scheduler=scheduler)[0][0] == limit_here()
        there = crash(scheduler, tmp_path, monkeypatch)
    assert bool(there) == bool(as_much_as_may_be and leaves_files())
    # Without the memory that is lent: a quarter of the host's, most of it never written.
    assert sum((tmp_path / "there" / name).stat().st_size for name in there) < 200_000_000


def test_a_job_may_have_them_again(as_much_as_may_be: int) -> None:
    with OverTcp(1) as scheduler:
        assert gridengine.map(raise_limit, [0], scheduler=scheduler) == [as_much_as_may_be]


def test_where_none_may_be_had_there_is_nothing_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, 0))
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: asked.append(limit))
    os_support.limit_core_files()
    assert asked == [(resource.RLIMIT_CORE, (0, 0))]


@pytest.mark.cluster
def test_on_the_nodes_of_a_grid_engine_neither(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GridEngineScheduler() as scheduler:
        ((own, above),) = gridengine.map(limits, [0], scheduler=scheduler)
        assert own == above
        assert own[0] <= 1
        assert crash(scheduler, tmp_path, monkeypatch) == []
