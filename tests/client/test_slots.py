"""Jobs of several slots, and the GPUs and cores of workers: here, and on the cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine import Job
from gridengine.schedulers import GridEngineScheduler, InlineScheduler, ProcessScheduler, Scheduler
from gridengine.schedulers.process import usable_cores

from .. import core_targets
from ..conftest import warm
from ..waiting import wait_until

CLUSTER = pytest.mark.cluster


@pytest.fixture(scope="module", params=["process", pytest.param("gridengine", marks=CLUSTER)])
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """One on which jobs of four slots are to be had."""
    if request.param == "process":
        made: Scheduler = ProcessScheduler(4)
    else:
        request.getfixturevalue("cluster")
        made = GridEngineScheduler(parallel_environment="smp", max_workers=4)
    with made:
        warm_all_kinds(made)
        yield made


@pytest.fixture(scope="module")
def four() -> Iterator[ProcessScheduler]:
    """A scheduler with room for four."""
    with ProcessScheduler(4) as made:
        warm_all_kinds(made)
        yield made


def warm_all_kinds(scheduler: Scheduler) -> None:
    """Has it open all that its jobs of any number of slots need."""
    warm(scheduler, 1 if scheduler.remote else 4)
    for slots in (2, 3, 4):
        calls = range(1 if scheduler.remote else 4 // slots)
        gridengine.map(abs, calls, slots=slots, scheduler=scheduler, chunksize=1)


def started(target: Callable[..., Any], *args: Any, **options: Any) -> Job[Any]:
    job = Job(target=target, args=args, **options)
    job.start()
    return job


# -- what a job of several slots has ----------------------------------------------------------


def test_numeric_libraries_start_as_many_threads_as_a_job_has_slots(scheduler: Scheduler) -> None:
    jobs = [started(core_targets.threads, scheduler=scheduler, slots=slots) for slots in (1, 3, 4)]
    assert [job.result for job in jobs] == [{"1"}, {"3"}, {"4"}]


def test_a_map_of_several_slots_too(scheduler: Scheduler) -> None:
    assert (
        gridengine.map(core_targets.threads, range(3), slots=2, scheduler=scheduler) == [{"2"}] * 3
    )
    lazy = gridengine.imap_unordered(
        core_targets.threads, range(3), resources={"slots": 2}, scheduler=scheduler
    )
    assert list(lazy) == [{"2"}] * 3


def test_what_the_user_has_set_counts_more(scheduler: Scheduler) -> None:
    given = {"OMP_NUM_THREADS": "7"}
    job = started(os.getenv, "OMP_NUM_THREADS", slots=2, env=given, scheduler=scheduler)
    assert job.result == "7"


def test_jobs_in_it_have_its_slots(scheduler: Scheduler) -> None:
    assert started(core_targets.cores, slots=4, scheduler=scheduler).result == 4
    # It keeps what its jobs have opened for a while, which here would be found.
    with ProcessScheduler(3) as own:
        found = started(core_targets.pids_of_a_map, slots=3, scheduler=own).result
        assert len(found) == min(3, usable_cores())


BLAS = """
import numpy
from threadpoolctl import threadpool_info

def threads():
    return sorted({each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"})
"""


def test_numpy_has_them_in_fact(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy")
    pytest.importorskip("threadpoolctl")
    if (os.cpu_count() or 1) < 2:
        pytest.skip("OpenBLAS starts no more threads than there are processors")
    (tmp_path / "blas_threads.py").write_text(BLAS)
    monkeypatch.syspath_prepend(tmp_path)

    def look(_: int) -> list[int]:
        import blas_threads  # type: ignore[import-not-found]

        found: list[int] = blas_threads.threads()
        return found

    for slots in (1, 2):
        # A numpy with another BLAS has nothing to say.
        assert gridengine.map(look, [0], slots=slots, scheduler=scheduler) in ([[slots]], [[]])


# -- room on one computer ---------------------------------------------------------------------


class Yard:
    """Jobs that stay until they are told to end."""

    def __init__(self, folder: Path, scheduler: ProcessScheduler) -> None:
        self.folder = folder
        self.scheduler = scheduler
        self.jobs: dict[str, Job[tuple[float, float]]] = {}

    def start(self, *names: str, slots: int = 1) -> None:
        for name in names:
            self.jobs[name] = started(
                core_targets.stay, str(self.folder), name, scheduler=self.scheduler, slots=slots
            )

    def begun(self) -> set[str]:
        return {path.stem for path in self.folder.glob("*.begun")}

    def wait_for(self, *names: str) -> None:
        wait_until(lambda: set(names) <= self.begun(), what=f"{names} begin")

    def end(self, *names: str) -> None:
        for name in names:
            (self.folder / f"{name}.end").touch()
            self.jobs[name].join()


@pytest.fixture
def yard(four: ProcessScheduler, tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path, four)
    yield made
    made.end(*made.jobs)


def test_a_job_of_four_slots_has_four_workers_room(yard: Yard) -> None:
    yard.start("a", "b")
    yard.wait_for("a", "b")
    yard.start("big", slots=4)
    yard.start("c")
    yard.end("a")
    wait_until(
        lambda: yard.jobs["big"].state_reason.endswith("it takes 4 slots, and 3 of 4 are free"),
        what="it is said what it waits for",
    )
    assert "4 slots are kept for what waits longer" in yard.jobs["c"].state_reason
    assert yard.begun() == {"a", "b"}
    yard.end("b")
    yard.wait_for("big")
    # As long as it runs nobody else does.
    assert "it takes 1 slot, and 0 of 4 are free" in yard.jobs["c"].state_reason
    assert yard.begun() == {"a", "b", "big"}
    yard.end("big", "c")


def test_small_jobs_use_what_a_large_one_leaves(yard: Yard) -> None:
    yard.start("three", slots=3)
    yard.start("a", "b")
    yard.wait_for("three", "a")
    yard.start("two", slots=2)
    yard.end("a")
    yard.wait_for("b")
    assert yard.begun() == {"three", "a", "b"}
    yard.end("three")
    yard.wait_for("two")
    yard.end("b", "two")


def test_a_large_job_comes_through_a_stream_of_small_ones(four: ProcessScheduler) -> None:
    stream = gridengine.imap_unordered(
        time.sleep, (0.02 for _ in range(100_000)), chunksize=1, scheduler=four
    )
    next(stream)
    job = started(os.getpid, slots=4, scheduler=four)
    for seen, _ in enumerate(stream):
        if job.state is gridengine.JobState.FINISHED:
            break
        assert seen < 2000
    stream.close()


def test_more_jobs_of_several_slots_than_there_is_room_for_end_all(four: ProcessScheduler) -> None:
    jobs = [started(abs, -n, slots=1 + n % 4, scheduler=four) for n in range(80)]
    assert [job.result for job in jobs] == list(range(80))


def test_the_room_of_a_killed_job_is_free() -> None:
    with ProcessScheduler(4):
        dead = started(core_targets.kill_oneself, slots=4, retries=0)
        assert started(abs, -1).result == 1
        assert isinstance(dead.exception, gridengine.JobDied)
        assert started(abs, -2, slots=4).result == 2


def test_each_of_new_workers_has_its_slots() -> None:
    with ProcessScheduler(4, fresh=True) as scheduler:
        jobs = [
            started(core_targets.threads, slots=1 + n % 3, scheduler=scheduler) for n in range(12)
        ]
        assert [job.result for job in jobs] == [{str(1 + n % 3)} for n in range(12)]


def test_workers_of_several_slots() -> None:
    with ProcessScheduler(2, slots=2) as scheduler:
        assert gridengine.map(core_targets.threads, range(2)) == [{"2"}] * 2
        assert started(core_targets.threads, slots=4).result == {"4"}
        assert started(core_targets.threads, slots=1).result == {"1"}
        assert started(core_targets.cores).result == 2
        assert repr(scheduler) == "ProcessScheduler(max_workers=2, slots=2)"


@pytest.mark.parametrize("face", [gridengine.map, gridengine.imap, gridengine.imap_unordered])
def test_more_slots_than_there_are_is_an_error_at_once(
    four: ProcessScheduler, face: Callable[..., Any]
) -> None:
    words = r"slots=5 is more than ProcessScheduler\(max_workers=4\) has .* ask for 4 at most"
    with pytest.raises(ValueError, match=words):
        Job(target=abs, args=(1,), slots=5, scheduler=four).start()
    with pytest.raises(ValueError, match=words):
        list(face(abs, [1], slots=5, scheduler=four))


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"slots": 0}, ValueError, "slots is 0; it takes at least 1"),
        ({"slots": 1.5}, TypeError, "slots is 1.5; it takes a whole number"),
        ({"slots": "4"}, TypeError, "slots is '4'"),
        ({"slots": 2, "resources": {"slots": 2}}, ValueError, "both say how many slots"),
    ],
)
def test_what_is_no_number_of_slots_is_told_at_once(
    options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        Job(target=abs, args=(1,), **options)
    with pytest.raises(kind, match=words):
        gridengine.imap(abs, [1], **options)


def test_a_job_of_one_core_has_no_room_for_two() -> None:
    def ask() -> str:
        try:
            gridengine.map(abs, [1], slots=2)
        except ValueError as error:
            return str(error)
        return ""

    with ProcessScheduler(1):
        assert "slots=2 is more than ProcessScheduler(max_workers=1)" in started(ask).result


def test_inline_jobs_have_the_program() -> None:
    with InlineScheduler() as scheduler:
        assert started(abs, -1, slots=64, scheduler=scheduler).result == 1
        assert gridengine.map(abs, [-1], slots=64) == [1]


# -- GPUs -------------------------------------------------------------------------------------


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")


@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize("fresh", [False, True])
def test_a_device_is_never_two_workers_however_they_end(tmp_path: Path, fresh: bool) -> None:
    with ProcessScheduler(2, gpus_per_worker=1, fresh=fresh) as scheduler:
        plans = [(str(tmp_path), n % 3 == 0, n % 6 == 0) for n in range(18)]
        jobs = [started(core_targets.hold, *plan, retries=0, scheduler=scheduler) for plan in plans]
        for job in jobs:
            job.join()
        ends = [job.exception or job.result for job in jobs]
    died = [isinstance(end, gridengine.JobDied) for end in ends]
    assert died == [plan[1] for plan in plans], ends
    assert {end for end, dead in zip(ends, died, strict=True) if not dead} <= {"3", "5"}


@pytest.mark.usefixtures("two_devices")
def test_two_workers_share_a_device_if_each_has_half_of_it() -> None:
    with ProcessScheduler(4, gpus_per_worker=0.5):
        seen = gridengine.map(core_targets.device_after_a_while, range(4), chunksize=1)
    assert sorted(seen) == ["3", "3", "5", "5"]


@pytest.mark.usefixtures("two_devices")
def test_what_the_program_changes_later_does_not_move_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ProcessScheduler(1, gpus_per_worker=1) as scheduler:
        assert gridengine.map(core_targets.device_after_a_while, [0]) == ["3"]
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
        assert gridengine.map(core_targets.device_after_a_while, [0]) == ["3"]
        # Jobs in jobs have those of their worker.
        assert started(core_targets.devices_in_a_job, scheduler=scheduler).result == ["3"]
        told = started(core_targets.device_after_a_while, 0, env={"CUDA_VISIBLE_DEVICES": "9"})
        assert told.result == "9"


# -- on the cluster ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("cluster")


@CLUSTER
@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize("binding", ["env linear:1", "set linear:1"])
def test_a_worker_keeps_to_the_cores_that_were_chosen_for_it(binding: str) -> None:
    with GridEngineScheduler(native=f"-binding {binding}", parallel_environment="smp") as scheduler:
        chosen = {int(core) for core in started(os.getenv, "SGE_BINDING").result.split()}
        assert len(chosen) == 1
        assert started(core_targets.affinity).result == chosen
        # Of two slots with one core between them.
        assert started(core_targets.threads, slots=2, scheduler=scheduler).result == {"1"}


@CLUSTER
@pytest.mark.usefixtures("grid")
def test_memory_is_that_of_all_slots_of_a_job() -> None:
    with GridEngineScheduler(parallel_environment="smp"):
        assert started(core_targets.address_space, slots=2, memory="1G").result == 2**30
        assert (
            started(core_targets.address_space, slots=2, resources={"h_vmem": "1G"}).result == 2**31
        )


@CLUSTER
@pytest.mark.usefixtures("grid")
def test_without_a_parallel_environment_it_is_said_what_is_needed() -> None:
    with GridEngineScheduler():
        job = Job(target=abs, args=(1,), slots=2)
        with pytest.raises(ValueError, match="needs parallel_environment="):
            job.start()
