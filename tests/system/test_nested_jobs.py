"""Jobs and maps inside jobs: waited for, bounded by what the job was granted, gone with it."""

from __future__ import annotations

import concurrent.futures
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine import Job, nesting
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, best_available
from gridengine.worker import os_support

from .. import targets
from ..cluster import Cluster
from ..waiting import wait_until

ROOT = Path(__file__).parents[2]


def result_of(scheduler: ProcessScheduler | None, target: Callable[..., Any], *args: Any) -> Any:
    """Runs a job and returns its result."""
    job = Job(target=target, args=args, scheduler=scheduler)
    job.start()
    return job.result


def below(pid: int) -> list[psutil.Process]:
    """Returns all that a process has started, and these have."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait_for(path: str) -> None:
    """Waits for a file."""
    wait_until(lambda: os.path.exists(path), what=path)


# ---------------------------------------------------------------------- jobs of an import

STARTS_JOBS = """
import os, gridengine
from gridengine.schedulers import ProcessScheduler

# Should each worker start another one, it ends here.
open(f"import-{os.getpid()}", "x").close()
if len([name for name in os.listdir() if name.startswith("import-")]) > 4:
    os._exit(3)

def square(x):
    return x * x

class Thing:
    n = 3

"""

ITS_JOBS = {
    "a map": "VALUE = gridengine.map(square, range(9), scheduler=ProcessScheduler(1))",
    "a map with a timeout": "VALUE = gridengine.map(square, [1, 2], timeout=60)",
    "a job": "job = gridengine.Job(target=square, args=(2,)); job.start(); VALUE = job.result",
    "a job with an argument of its own": (
        "job = gridengine.Job(target=getattr, args=(Thing(), 'n')); job.start(); VALUE = job.result"
    ),
}


@pytest.mark.parametrize("jobs", ITS_JOBS.values(), ids=list(ITS_JOBS))
def test_a_module_that_starts_jobs_when_workers_import_it_is_told_so(
    jobs: str, tmp_path: Path
) -> None:
    Path(tmp_path, "at_import.py").write_text(STARTS_JOBS + jobs, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GRIDENGINE_SCHEDULER": "process"}
    ended = subprocess.run(
        [sys.executable, "-c", "import at_import"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "module 'at_import' starts jobs when it is imported" in ended.stderr, ended.stderr
    assert ended.returncode == 1


def test_a_job_may_import_a_module_that_starts_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "job = gridengine.Job(target=abs, args=(-2,)); job.start(); VALUE = job.result"
    Path(tmp_path, "of_a_job.py").write_text("import gridengine\n" + source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for imports in (lambda name: __import__(name), importlib.import_module):
        with ProcessScheduler(1, fresh=True) as scheduler:
            assert result_of(scheduler, imports, "of_a_job").VALUE == 2
            assert gridengine.map(imports, ["of_a_job"], scheduler=scheduler)[0].VALUE == 2


# ---------------------------------------------------------------------- who waits for whom


def write_when_told(told: str, written: str) -> None:
    """Waits for one file, then writes another."""
    wait_for(told)
    Path(written).touch()


def start_and_leave(folder: str, daemon: bool, fails: bool) -> str:
    """Starts a job, and returns while it runs."""
    Job(target=write_when_told, args=(f"{folder}/told", f"{folder}/written"), daemon=daemon).start()
    Path(folder, "started").touch()
    if fails:
        raise LookupError("after the start")
    return "returned"


@pytest.mark.parametrize("fails", [False, True])
def test_a_job_is_over_when_those_are_that_it_has_started(tmp_path: Path, fails: bool) -> None:
    with ProcessScheduler(1) as scheduler:
        job = Job(target=start_and_leave, args=(str(tmp_path), False, fails), scheduler=scheduler)
        job.start()
        wait_for(f"{tmp_path}/started")
        job.join(0.3)
        assert job.is_alive()
        (tmp_path / "told").touch()
        job.join()
        assert (tmp_path / "written").exists()
        assert job.exitcode == (1 if fails else 0)


def test_so_is_a_call_of_a_map(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
        (folder / "told").touch()

    def start(folder: Path) -> str:
        return start_and_leave(str(folder), False, False)

    with ProcessScheduler(2) as scheduler:
        assert gridengine.map(start, folders, scheduler=scheduler) == ["returned"] * 3
        assert all((folder / "written").exists() for folder in folders)


def test_for_daemons_nobody_waits_and_they_end_with_the_worker(tmp_path: Path) -> None:
    with ProcessScheduler(1) as scheduler:
        assert result_of(scheduler, start_and_leave, str(tmp_path), True, False) == "returned"
        assert not (tmp_path / "written").exists()
        assert below(os.getpid())
    assert not below(os.getpid())


def test_a_timeout_counts_for_what_a_job_has_started_too(tmp_path: Path) -> None:
    with ProcessScheduler(1) as scheduler:
        job = Job(
            target=start_and_leave,
            args=(str(tmp_path), False, False),
            scheduler=scheduler,
            timeout=1.0,
        )
        job.start()
        assert isinstance(job.exception, gridengine.JobTimeout)


# ---------------------------------------------------------------------- what it was granted


def granted() -> tuple[int, str, int]:
    """Returns what a job was granted, and what it gets that names no scheduler."""
    scheduler = best_available()
    assert isinstance(scheduler, ProcessScheduler)
    return nesting.granted_cores(), type(scheduler).__name__, ProcessScheduler().max_workers


def test_a_job_has_one_core_whatever_the_host_has(monkeypatch: pytest.MonkeyPatch) -> None:
    # Travels to the worker, where it is not heeded: there would be a queue job for each.
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "gridengine")
    with ProcessScheduler(2) as scheduler:
        assert result_of(scheduler, granted) == (1, "ProcessScheduler", 1)


def count_of_processes_in_a_nested_map(_: int) -> int:
    """Returns how many processes a map has started in this one."""
    assert gridengine.map(targets.square, range(10)) == [x * x for x in range(10)]
    return len(os_support.children(os.getpid()))


@pytest.mark.parametrize("workers", [2, 4, 8])
def test_nested_maps_start_no_process(workers: int) -> None:
    with ProcessScheduler(workers) as scheduler:
        items = range(4 * workers)
        counts = gridengine.map(count_of_processes_in_a_nested_map, items, scheduler=scheduler)
        assert counts == [0] * 4 * workers
        # The workers, their supervisor, and on Linux its reaper.
        assert len(below(os.getpid())) <= workers + 2


def jobs_in_a_job(count: int) -> tuple[list[int], int]:
    """Starts some jobs; returns their workers, and how many processes there are for them."""
    jobs = [Job(target=targets.pid) for _ in range(count)]
    for job in jobs:
        job.start()
    return [job.result for job in jobs], len(below(os.getpid()))


def test_jobs_of_a_job_share_the_cores_that_it_was_granted() -> None:
    with ProcessScheduler(1) as scheduler:
        workers, processes = result_of(scheduler, jobs_in_a_job, 5)
        assert len(set(workers)) == 1
        assert processes <= 3
        # And the next job on that worker has them again, warm.
        assert result_of(scheduler, jobs_in_a_job, 1)[0][0] == workers[0]


def map_on(scheduler: ProcessScheduler, count: int) -> list[int]:
    """Maps on a scheduler, and returns the workers."""
    # All of them wait for all, so that none gets two.
    return gridengine.map(_meet, range(count), scheduler=scheduler, chunksize=1)


def _meet(_: int) -> int:
    folder = os.environ["MEETING"]
    Path(folder, str(os.getpid())).touch()
    wait_until(lambda: len(os.listdir(folder)) == 3, what="all are there")
    return os.getpid()


def test_a_scheduler_that_is_named_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEETING", str(tmp_path))
    with ProcessScheduler(1) as scheduler:
        workers = result_of(scheduler, map_on, ProcessScheduler(3), 3)
        assert len(set(workers)) == 3


@pytest.mark.parametrize(("workers", "own", "threads"), [(2, 4, 2), (4, 4, 1), (2, 1, 1)])
def test_workers_of_a_job_share_the_threads_that_it_was_granted(
    monkeypatch: pytest.MonkeyPatch, workers: int, own: int, threads: int
) -> None:
    monkeypatch.setenv(nesting.VARIABLE, "4:1.1:")
    monkeypatch.setenv("OMP_NUM_THREADS", str(own))
    with ProcessScheduler(workers) as scheduler:
        assert result_of(scheduler, os.getenv, "OMP_NUM_THREADS") == str(threads)


def three_levels_of_jobs(depth: int) -> list[int]:
    """Returns the workers of a job, of a job of it, and so on."""
    if not depth:
        return [os.getpid()]
    return [os.getpid(), *result_of(None, three_levels_of_jobs, depth - 1)]


def test_jobs_in_jobs_in_jobs() -> None:
    with ProcessScheduler(1) as scheduler:
        assert len(set(result_of(scheduler, three_levels_of_jobs, 3))) == 4


# ---------------------------------------------------------------------- by way of others


def map_in_processes(method: str) -> list[list[int]]:
    """Maps in processes of the standard library, each of which maps with this one."""
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        return list(pool.map(map_squares, [3, 4]))


def map_squares(count: int) -> list[int]:
    """Maps once in place, and once in a job."""
    assert not below(os.getpid())
    assert result_of(None, targets.square, 3) == 9
    return gridengine.map(targets.square, range(count))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_processes_that_a_job_starts_have_what_the_job_was_granted(method: str) -> None:
    with ProcessScheduler(1) as scheduler:
        assert result_of(scheduler, map_in_processes, method) == [[0, 1, 4], [0, 1, 4, 9]]
        wait_until(
            lambda: len(below(os.getpid())) <= 4, what="the pool's processes and theirs are gone"
        )


# ---------------------------------------------------------------------- the end

ENDS = """
import os, signal, sys, threading
from pathlib import Path
from gridengine import Job
from gridengine.schedulers import ProcessScheduler

def inner(folder):
    Path(folder, "inner").write_text(str(os.getpid()))
    threading.Event().wait()

def outer(folder):
    job = Job(target=inner, args=(folder,))
    job.start()
    Path(folder, "outer").write_text(str(os.getpid()))
    job.join()

if __name__ == "__main__":
    job = Job(target=outer, args=(sys.argv[1],), scheduler=ProcessScheduler(1), daemon=True)
    job.start()
    job.join()
    print(type(job.exception).__name__)
"""


class Nested:
    """A program with a job in a job, both of which would never end."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "t"
        self.temporary.mkdir()
        self.program = subprocess.Popen(
            [sys.executable, "-c", ENDS, str(folder)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("inner", "outer"):
            wait_until(lambda name=name: _number(folder / name), what=f"the {name} job runs")
        self.inner, self.outer = (_number(folder / name) for name in ("inner", "outer"))
        self.processes = below(self.program.pid)
        assert {self.inner, self.outer} <= {each.pid for each in self.processes}

    def nothing_left(self) -> bool:
        return not any(each.is_running() for each in self.processes)


def _number(path: Path) -> int:
    return int(path.read_text() or 0) if path.exists() else 0


@pytest.mark.skipif(sys.platform != "linux", reason="only there is all ended with its parent")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_all_of_it_ends_with_the_program(tmp_path: Path, signum: int) -> None:
    nested = Nested(tmp_path)
    os.kill(nested.program.pid, signum)
    nested.program.communicate(timeout=30)
    wait_until(nested.nothing_left, what="all processes are gone")
    wait_until(lambda: not os.listdir(nested.temporary), what="all folders are gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only there is all ended with its parent")
def test_all_of_it_ends_with_the_worker(tmp_path: Path) -> None:
    nested = Nested(tmp_path)
    # Its second attempt has another worker, which is killed too.
    for path in ("inner", "outer"):
        (tmp_path / path).unlink()
    os.kill(nested.outer, signal.SIGKILL)
    gone = [each for each in nested.processes if each.pid == nested.inner]
    wait_until(lambda: not any(each.is_running() for each in gone), what="the inner job is gone")
    os.kill(wait_until(lambda: _number(tmp_path / "outer"), what="another try"), signal.SIGKILL)
    assert nested.program.communicate(timeout=30)[0] == "JobDied\n"
    assert nested.nothing_left()
    assert os.listdir(nested.temporary) == []


def map_long_calls(path: str) -> list[Any]:
    """Maps in place what takes long, come what may."""
    return gridengine.map(lambda _: targets.touch_and_wait(path), range(3), reraise=False)


def test_a_job_that_is_terminated_begins_no_other_call_of_its_map(tmp_path: Path) -> None:
    path = str(tmp_path / "begun")
    with ProcessScheduler(1) as scheduler:
        job = Job(target=map_long_calls, args=(path,), scheduler=scheduler)
        job.start()
        wait_for(path)
        os.remove(path)
        job.terminate()
        job.join()
        assert job.exitcode == -signal.SIGTERM
        assert not os.path.exists(path)


def clear_up_at_the_end(path: str) -> None:
    """Never ends by itself."""
    try:
        targets.touch_and_wait(path)
    finally:
        time.sleep(0.1)
        os.rename(path, f"{path}-cleared-up")


def leave_a_job_behind(path: str) -> None:
    """Starts one, and ends."""
    Job(target=clear_up_at_the_end, args=(path,)).start()


def wait_for_another_job(path: str) -> None:
    """Starts one, and waits for it."""
    job = Job(target=clear_up_at_the_end, args=(path,))
    job.start()
    job.join()


@pytest.mark.parametrize("target", [leave_a_job_behind, wait_for_another_job])
def test_what_a_job_has_started_gets_to_clear_up_too_when_it_is_terminated(
    tmp_path: Path, target: Any
) -> None:
    path = str(tmp_path / "begun")
    with ProcessScheduler(1) as scheduler:
        job = Job(target=target, args=(path,), scheduler=scheduler)
        job.start()
        wait_for(path)
        job.terminate()
        job.join()
        assert job.exitcode == -signal.SIGTERM
        assert os.listdir(tmp_path) == ["begun-cleared-up"]


def open_a_scheduler_in_a_job() -> int:
    """Uses a scheduler, and returns how many processes there are for it."""
    assert result_of(None, targets.square, 3) == 9
    return len(below(os.getpid()))


def test_a_worker_that_rests_closes_what_its_jobs_have_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.3")
    with ProcessScheduler(1) as scheduler:
        assert result_of(scheduler, open_a_scheduler_in_a_job) > 0
        wait_until(lambda: len(below(os.getpid())) <= 3, what="the worker is alone")
        # It can be opened again.
        assert result_of(scheduler, open_a_scheduler_in_a_job) > 0


# ---------------------------------------------------------------------- on a cluster


def nested_map(x: int) -> int:
    """Maps within a job."""
    return sum(gridengine.map(targets.square, range(x)))


def processes_and_names() -> tuple[int, list[str]]:
    """Returns what a map has started in a job, and which files a job of it has made."""
    before = os.listdir(tempfile.gettempdir())
    assert nested_map(4) == 14
    maps = len(below(os.getpid()))
    assert result_of(None, targets.square, 3) == 9
    return maps, [name for name in os.listdir(tempfile.gettempdir()) if name not in before]


@pytest.mark.cluster
def test_eight_nested_maps_on_eight_slots_come_to_an_end(cluster: Cluster) -> None:
    with GridEngineScheduler(max_workers=8) as scheduler:
        begin = time.monotonic()
        assert gridengine.map(nested_map, [4] * 8, scheduler=scheduler, chunksize=1) == [14] * 8
        assert time.monotonic() - begin < 30


@pytest.mark.cluster
def test_on_a_node_a_nested_map_starts_nothing_and_a_job_leaves_nothing(cluster: Cluster) -> None:
    with GridEngineScheduler(max_workers=1) as scheduler:
        assert result_of(scheduler, processes_and_names) == (0, [])


@pytest.mark.cluster
def test_a_job_of_two_slots_has_two_cores_for_its_maps(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with GridEngineScheduler(slots=2, parallel_environment="smp", max_workers=1) as scheduler:
        assert result_of(scheduler, granted) == (2, "ProcessScheduler", 2)
    with GridEngineScheduler(native="-pe smp 2", max_workers=1) as scheduler:
        assert result_of(scheduler, granted)[0] == 2
