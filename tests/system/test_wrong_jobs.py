"""Jobs that do everything wrong harm themselves at most."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine import Job, JobDied, JobState
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from .. import targets
from ..conftest import warm
from ..waiting import wait_until
from . import crashes
from .crashes import Attempts

KINDS = ["process", pytest.param("gridengine", marks=pytest.mark.cluster)]


def _made(request: pytest.FixtureRequest) -> Scheduler:
    # One worker: what a job has done to it, the next one finds.
    if request.param == "process":
        return ProcessScheduler(1)
    request.getfixturevalue("cluster")
    return GridEngineScheduler(max_workers=1)


@pytest.fixture(scope="module", params=KINDS)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, with one worker, shared by the tests of this file."""
    with _made(request) as made:
        warm(made, 1)
        yield made


@pytest.fixture(params=KINDS)
def own_scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, with one worker, for one test alone."""
    with _made(request) as made:
        yield made


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    return Attempts(tmp_path / "attempts")


def start(scheduler: Scheduler, target: Any, *args: Any, **options: Any) -> Job:
    job = Job(target=target, args=args, scheduler=scheduler, **options)
    job.start()
    return job


def works(scheduler: Scheduler) -> bool:
    """Tells whether single jobs and maps have their results."""
    jobs = [start(scheduler, targets.square, x) for x in range(4)]
    got = gridengine.map(targets.square, range(50), scheduler=scheduler)
    return [job.result for job in jobs] == got[:4] and got == [x * x for x in range(50)]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- what harms nothing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "args", "result"),
    [
        (crashes.fork_and_come_back, (5,), 5),
        (crashes.close_all_descriptors, (), "closed"),
        (crashes.close_standard_streams, (), "closed"),
        (crashes.close_standard_descriptors, (), "closed"),
        (crashes.replace_standard_streams, (), "replaced"),
        (crashes.install_handlers, (), "installed"),
        (crashes.start_threads_that_never_end, (20,), 20),
        (crashes.exit_in_a_thread, (), "joined"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_job_and_those_after_it_have_their_results(
    scheduler: Scheduler, target: Callable[..., Any], args: tuple[Any, ...], result: Any
) -> None:
    job = start(scheduler, target, *args)
    job.join(30)
    if target is crashes.close_all_descriptors:
        # The worker has closed its own way to the program: it may be lost with it.
        assert job.state in (JobState.FINISHED, JobState.DIED)
    else:
        assert (result, 1) == (job.result, job.attempts)
    assert works(scheduler)


def test_a_job_may_print_megabytes(
    own_scheduler: Scheduler, capfd: pytest.CaptureFixture[str]
) -> None:
    assert 20 == start(own_scheduler, crashes.print_megabytes, 20).result
    assert works(own_scheduler)


def test_a_map_whose_calls_fork_counts_each_call_once(scheduler: Scheduler) -> None:
    got = gridengine.map(crashes.fork_and_come_back, range(20), scheduler=scheduler)
    assert list(range(20)) == got


def test_what_a_job_has_forked_ends_by_sigterm_from_its_first_moment_on(
    own_scheduler: Scheduler,
) -> None:
    deaf = start(own_scheduler, crashes.forked_children_end_at_once, 100).result
    assert 0 == deaf


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt("by the job"),
        GeneratorExit("by the job"),
        crashes.OwnBaseException("by the job"),
        StopIteration("by the job"),
        StopAsyncIteration("by the job"),
        MemoryError("by the job"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_exception_is_just_an_exception(scheduler: Scheduler, error: BaseException) -> None:
    job = start(scheduler, crashes.raise_it, error)
    assert type(error) is type(job.exception)
    assert "by the job" in str(job.exception)
    assert (JobState.FAILED, 1) == (job.state, job.attempts)
    (got,) = gridengine.map(crashes.raise_it, [error], scheduler=scheduler, reraise=False)
    assert type(error) is type(got)
    assert works(scheduler)


def test_exhausted_recursion_is_an_exception(scheduler: Scheduler) -> None:
    assert isinstance(start(scheduler, crashes.recurse).exception, RecursionError)
    assert works(scheduler)


def test_hooks_for_uncaught_exceptions_do_not_see_those_of_jobs(scheduler: Scheduler) -> None:
    job = start(scheduler, crashes.break_the_hooks)
    assert isinstance(job.exception, ValueError)
    assert 1 == job.attempts
    assert works(scheduler)


def test_a_folder_that_is_gone_harms_no_later_job(scheduler: Scheduler, tmp_path: Path) -> None:
    path = str(tmp_path / "gone")
    assert path == start(scheduler, crashes.change_to_a_folder_and_remove_it, path).result
    assert works(scheduler)


# -- what cannot be rebuilt -------------------------------------------------------------------


@pytest.mark.parametrize("target", [crashes.exits_at_unpickle, crashes.raises_at_unpickle])
def test_a_result_whose_unpickling_ends_programs_fails_its_own_job(
    scheduler: Scheduler, target: Callable[..., Any]
) -> None:
    assert isinstance(start(scheduler, target).exception, gridengine.UnpackingError)
    (got,) = gridengine.map(target, [1], scheduler=scheduler, reraise=False)
    assert isinstance(got, gridengine.UnpackingError)
    assert works(scheduler)


@pytest.mark.parametrize("kind", ["argument", "function"])
def test_what_kills_who_unpickles_it_does_not_kill_the_program(
    tmp_path: Path, kind: str, attempts: Attempts
) -> None:
    """In a program of its own: the death certificate shows the input without rebuilding it."""
    program = (
        "import sys, gridengine\n"
        "from tests import targets\nfrom tests.system import crashes\n"
        "killer = crashes.CrashesAtUnpickle(crashes.by_sigkill, crashes.Attempts(sys.argv[1]))\n"
        "with gridengine.schedulers.ProcessScheduler(1) as scheduler:\n"
        "    if sys.argv[2] == 'argument':\n"
        "        job = gridengine.Job(target=targets.give, args=(killer,), scheduler=scheduler)\n"
        "    else:\n"
        "        job = gridengine.Job(target=gridengine.partial(targets.give, killer),\n"
        "            scheduler=scheduler)\n"
        "    job.start()\n"
        "    print(type(job.exception).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, attempts.path, kind],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (0, "JobDied\n") == (done.returncode, done.stdout), done.stderr


def test_a_module_that_crashes_when_imported_is_a_death_of_its_job(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    (tmp_path / "crashes_when_imported.py").write_text("import os; os.kill(os.getpid(), 11)")
    job = start(
        scheduler, crashes.import_what_crashes, str(tmp_path), "crashes_when_imported", retries=0
    )
    assert isinstance(job.exception, JobDied)
    assert "SIGSEGV" == job.exception.signal
    assert works(scheduler)


# -- what only seems to be dead ---------------------------------------------------------------


def test_a_job_that_holds_the_interpreters_lock_is_not_taken_for_dead(
    own_scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, attempts: Attempts
) -> None:
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.2")
    monkeypatch.setenv("GRIDENGINE_PATIENCE", "1")
    job = start(own_scheduler, crashes.hold_the_gil, 2, attempts)
    assert (2, 1) == (job.result, job.attempts)
    assert works(own_scheduler)


def test_a_job_that_holds_the_interpreters_lock_can_be_killed(
    own_scheduler: Scheduler, attempts: Attempts
) -> None:
    job = start(own_scheduler, crashes.hold_the_gil, 60, attempts)
    (running,) = wait_until(attempts.noted, what="the job runs")
    job.kill()
    job.join(5)
    assert JobState.CANCELLED is job.state
    wait_until(lambda: is_gone(running.pid), what="its worker is gone")


def test_a_job_that_ignores_terminate_ends_by_kill(
    own_scheduler: Scheduler, attempts: Attempts
) -> None:
    job = start(own_scheduler, crashes.ignore_signals_and_wait, attempts)
    (running,) = wait_until(attempts.noted, what="the job runs")
    job.terminate()
    # The order is known to have been obeyed when a later one has been.
    job.kill()
    job.join(5)
    assert JobState.CANCELLED is job.state
    wait_until(lambda: is_gone(running.pid), what="its worker is gone")
    assert works(own_scheduler)


def test_jobs_that_are_done_do_not_run_again_because_the_next_one_is_terminated(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    path = tmp_path / "runs"

    def note(number: int) -> None:
        with path.open("a") as file:
            file.write(f"{number}\n")
        if number == 20:
            time.sleep(600)

    def runs() -> list[int]:
        return list(map(int, path.read_text().split()))

    # It is known by then how long one takes: many are handed out in one message.
    for job in [start(own_scheduler, note, -1) for _ in range(20)]:
        job.join()
    jobs = [start(own_scheduler, note, number) for number in range(30)]
    wait_until(lambda: 20 in runs(), what="the one runs that never ends")
    jobs[20].terminate()
    for job in jobs:
        job.join()
    assert list(range(30)) == [number for number in runs() if number >= 0]


# -- what is left running ---------------------------------------------------------------------


def test_what_is_done_is_known_while_the_next_job_of_the_message_lasts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.2")
    over = tmp_path / "over"

    def work(n: int) -> int:
        while n == 30 and not over.exists():
            time.sleep(0.01)
        return n

    with ProcessScheduler(1) as scheduler:
        # Known as quick, so that they travel together.
        gridengine.map(work, range(5), scheduler=scheduler)
        jobs = [Job(target=work, args=(n,), scheduler=scheduler) for n in range(31)]
        for job in jobs:
            job.start()
        jobs[29].join(20)
        done = [job.is_alive() for job in jobs]
        over.touch()
        assert jobs[30].result == 30
        assert done == [False] * 30 + [True]


def test_subprocesses_that_a_job_leaves_end_with_the_scheduler() -> None:
    with ProcessScheduler(1) as scheduler:
        pid = start(scheduler, crashes.start_a_subprocess_and_leave_it).result
        assert works(scheduler)
        assert not is_gone(pid)
    wait_until(lambda: is_gone(pid), what="the subprocess is gone", timeout=2)


def test_threads_that_never_end_do_not_keep_a_worker() -> None:
    with ProcessScheduler(1) as scheduler:
        assert 5 == start(scheduler, crashes.start_threads_that_never_end, 5).result
        pid = start(scheduler, targets.pid).result
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    assert is_gone(pid)


@pytest.mark.cluster
def test_threads_that_never_end_do_not_keep_a_queue_job(cluster: Any) -> None:
    with GridEngineScheduler(max_workers=1) as scheduler:
        assert 5 == start(scheduler, crashes.start_threads_that_never_end, 5).result
        pid = start(scheduler, targets.pid).result
    wait_until(lambda: not cluster.qstat(), what="the queue is empty")
    assert is_gone(pid)


# -- what the next job sees -------------------------------------------------------------------


def test_what_a_job_changes_in_its_worker_the_next_one_sees(
    own_scheduler: Scheduler, tmp_path: Path
) -> None:
    """As documented: a worker is a process, and a process has one of each."""
    assert str(tmp_path) == start(own_scheduler, crashes.change_directory, str(tmp_path)).result
    assert str(tmp_path) == start(own_scheduler, os.getcwd).result


def test_a_signal_that_the_program_handles_is_not_handled_in_workers(
    own_scheduler: Scheduler,
) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        job = start(own_scheduler, crashes.by_sigterm, retries=0)
        assert isinstance(job.exception, JobDied)
    finally:
        signal.signal(signal.SIGTERM, before)


class SlowAndBroken:
    """Takes long to be rebuilt in a worker, and cannot be."""

    def __call__(self, x: int) -> int:
        return x

    def __reduce__(self) -> Any:
        return _rebuild_slowly, ()


def _rebuild_slowly() -> None:
    time.sleep(0.5)
    raise ImportError("not on this node")


def test_calls_that_are_taken_back_while_their_function_fails_to_be_unpacked_are_not_lost(
    scheduler: Scheduler,
) -> None:
    got = gridengine.map(
        SlowAndBroken(), range(10), scheduler=scheduler, chunksize=10, reraise=False, timeout=60
    )
    assert [type(error) for error in got] == [ImportError] * 10
