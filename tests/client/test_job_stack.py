"""Where a running job is now, whatever it is at, and whoever asks how often."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import gridengine
from gridengine import Job, JobState
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler
from gridengine.worker.stack_dump import STACK_FORCED, STACK_WANTED, for_people

from ..conftest import warm
from ..waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a process")


@pytest.fixture(
    scope="module", params=["process", pytest.param("gridengine", marks=pytest.mark.cluster)]
)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler of each sort with two workers."""
    if request.param == "process":
        scheduler: Scheduler = ProcessScheduler(2)
    else:
        request.getfixturevalue("cluster")
        scheduler = GridEngineScheduler(max_workers=2)
    with scheduler:
        warm(scheduler, 2)
        yield scheduler


def running(job: Job) -> str:
    """Waits until a job has begun, and returns where it is."""

    def look() -> str:
        try:
            return job.stack()
        except RuntimeError:
            # Not yet begun.
            assert job.is_alive()
            return ""

    return wait_until(look, what=f"{job} runs")


def seen(job: Job, *wanted: str) -> str:
    """Waits until a job is where all that is wanted is said, and returns the whole text."""

    def look() -> str:
        text = running(job)
        return text if all(what in text for what in wanted) else ""

    return wait_until(look, what=f"{job} is at {wanted}")


def ended(job: Job) -> None:
    job.kill()
    job.join(30)
    assert job.state is JobState.CANCELLED


# ------------------------------------------------------------------ whatever it is at


def runs_in_circles() -> None:
    while True:
        pass


def sleeps() -> None:
    time.sleep(600)


def waits_for_a_lock() -> None:
    lock = threading.Lock()
    with lock, lock:
        pass


def waits_for_a_child() -> None:
    subprocess.run(["sleep", "600.25"], check=True)


def has_threads() -> None:
    threading.Thread(target=sleeps, daemon=True).start()
    runs_in_circles()


def reads_a_pipe() -> None:
    os.read(os.pipe()[0], 1)


STATES: dict[Callable[[], None], list[str]] = {
    runs_in_circles: ["in runs_in_circles"],
    sleeps: ["in sleeps"],
    waits_for_a_lock: ["in waits_for_a_lock"],
    waits_for_a_child: ["in waits_for_a_child", "sleep 600.25"],
    reads_a_pipe: ["in reads_a_pipe"],
    has_threads: ["in runs_in_circles", "in has_threads", "in sleeps"],
}


@pytest.mark.parametrize("target", STATES, ids=lambda target: target.__name__)
def test_it_is_shown_where_a_job_is(anywhere: Scheduler, target: Callable[[], None]) -> None:
    job = Job(target=target, scheduler=anywhere, name="it\x1b[2J", daemon=True)
    job.start()
    text = seen(job, *STATES[target])
    assert f"process {job.pid}" in text
    assert str(job.host) in text
    # The job's thread first, and nothing of the worker's below it.
    thread = text.split("\n\n")[1].splitlines()
    assert thread[0] == "The job's thread (most recent call first):"
    assert thread[-1].endswith(f" in {target.__name__}")
    assert "\x1b" not in text
    ended(job)


def works_in_c() -> None:
    # Minutes, with the lock: one call of C code, between two steps of Python.
    sum(range(10**11))


def works_in_c_beside_python() -> None:
    threading.Thread(target=runs_in_circles, daemon=True).start()
    ctypes.CDLL(None).pthread_rwlock_wrlock(_locked_lock())


def _locked_lock() -> ctypes.Array[ctypes.c_char]:
    lock = ctypes.create_string_buffer(256)
    # Held by this thread for reading: it waits for itself, and no signal ends that.
    ctypes.CDLL(None).pthread_rwlock_rdlock(lock)
    return lock


def waits_in_c_with_the_lock() -> None:
    ctypes.PyDLL(None).pthread_rwlock_wrlock(_locked_lock())


IN_C = [works_in_c, works_in_c_beside_python, waits_in_c_with_the_lock]


@LINUX
@pytest.mark.parametrize("target", IN_C, ids=lambda target: target.__name__)
def test_it_is_shown_where_a_job_is_in_c_code(
    anywhere: Scheduler, target: Callable[[], None]
) -> None:
    job = Job(target=target, scheduler=anywhere, daemon=True)
    job.start()
    for _ in range(2):
        text = seen(job, "The other threads are not shown")
        assert f"in {target.__name__}" in text
    ended(job)


# ------------------------------------------------------------------ where it cannot be told


def test_a_job_that_does_not_run_is_nowhere(anywhere: Scheduler) -> None:
    job = Job(target=abs, args=(-1,), scheduler=anywhere, name="mine", daemon=True)
    with pytest.raises(RuntimeError, match="before it is started"):
        job.stack()
    job.start()
    assert job.result == 1
    with pytest.raises(RuntimeError, match="'mine' is not running: it is over"):
        job.stack()
    blockers = [Job(target=sleeps, scheduler=anywhere) for _ in range(2)]
    for blocker in blockers:
        blocker.start()
        seen(blocker, "in sleeps")
    waiting = Job(target=abs, args=(-1,), scheduler=anywhere, daemon=True)
    waiting.start()
    with pytest.raises(
        RuntimeError, match=r"is not running: (it waits for a worker|a process .* has not begun)"
    ):
        waiting.stack()
    for blocker in blockers:
        ended(blocker)
    assert waiting.result == 1


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_time_that_is_none_is_refused(laptop: ProcessScheduler, timeout: float) -> None:
    job = Job(target=abs, args=(-1,), scheduler=laptop, daemon=True)
    job.start()
    job.join()
    with pytest.raises(ValueError, match="timeout must be above 0"):
        job.stack(timeout)
    with pytest.raises(TypeError, match="timeout must be a number"):
        job.stack("1")  # type: ignore[arg-type]


@LINUX
def test_of_a_stopped_process_it_is_said_that_it_is(laptop: ProcessScheduler) -> None:
    job = Job(target=sleeps, scheduler=laptop, daemon=True)
    job.start()
    seen(job, "in sleeps")
    assert job.pid
    os.kill(job.pid, signal.SIGSTOP)
    wait_until(lambda: "State:\tT" in Path(f"/proc/{job.pid}/status").read_text(), what="stopped")
    with pytest.raises(TimeoutError, match=r"is stopped: its state is T \(stopped\)"):
        job.stack()
    os.kill(job.pid, signal.SIGCONT)
    seen(job, "in sleeps")
    ended(job)


def _parent_of(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(words[1])


@LINUX
def test_a_supervisor_that_does_not_answer_is_waited_for_only_so_long() -> None:
    with ProcessScheduler(1) as scheduler:
        warm(scheduler, 1)
        job = Job(target=sleeps, scheduler=scheduler, daemon=True)
        job.start()
        seen(job, "in sleeps")
        supervisor = _parent_of(job.pid or 0)
        os.kill(supervisor, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError, match=r"no answer within 0\.3 s"):
                job.stack(timeout=0.3)
        finally:
            os.kill(supervisor, signal.SIGCONT)
        seen(job, "in sleeps")
        ended(job)


def closes_all() -> None:
    os.closerange(3, 1000)
    time.sleep(600)


def resets_signals() -> None:
    signal.signal(STACK_WANTED, signal.SIG_DFL)
    sleeps()


def blocks_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {STACK_WANTED, STACK_FORCED})
    sleeps()


@LINUX
@pytest.mark.parametrize(
    ("target", "why"),
    [
        (closes_all, "has closed the file"),
        (resets_signals, f"does not handle signal {int(STACK_WANTED)} any more"),
        (blocks_signals, f"does not answer.*blocks signal {int(STACK_WANTED)} and"),
    ],
)
def test_what_a_job_has_done_to_be_in_the_way_is_said(target: Callable[[], None], why: str) -> None:
    with ProcessScheduler(1, fresh=True) as scheduler:
        job = Job(target=target, scheduler=scheduler, daemon=True)
        job.start()

        def refusal() -> str:
            try:
                job.stack()
            except TimeoutError as error:
                return str(error)
            except RuntimeError:
                return ""
            return ""

        assert re.search(why, wait_until(refusal, what=why))
        ended(job)


# ------------------------------------------------------------------ what it does to others


def _add(x: int) -> int:
    return x + sum(range(1000))


def works_in_many_threads(stop: str) -> int:
    made = []

    def churn() -> None:
        while not os.path.exists(stop):
            made.append(sum(y for x in range(20) for y in range(x)))

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    churn()
    for thread in threads:
        thread.join()
    return len(set(made))


def test_to_ask_a_hundred_times_disturbs_neither_the_job_nor_a_map(
    anywhere: Scheduler, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    job = Job(target=works_in_many_threads, args=(str(stop),), scheduler=anywhere, daemon=True)
    job.start()
    seen(job, "in works_in_many_threads")
    with ThreadPoolExecutor(4) as pool:
        texts = [pool.submit(job.stack) for _ in range(100)]
        assert gridengine.map(_add, range(2000), scheduler=anywhere) == [*map(_add, range(2000))]
        assert all("in works_in_many_threads" in text.result() for text in texts)
    stop.touch()
    assert job.result == 1
    assert job.attempts == 1


def has_signals_of_its_own(path: str) -> list[str]:
    heard: list[int] = []
    signal.signal(signal.SIGUSR1, lambda signum, _: heard.append(signum))
    with open(path, "w+", encoding="utf-8") as file:
        faulthandler.register(signal.SIGUSR2, file=file)
        while not os.path.exists(f"{path}.go"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        faulthandler.unregister(signal.SIGUSR2)
        file.seek(0)
        return [str(heard == [signal.SIGUSR1]), file.read()]


def test_a_job_keeps_its_own_signals(laptop: ProcessScheduler, tmp_path: Path) -> None:
    path = tmp_path / "own"
    job = Job(target=has_signals_of_its_own, args=(str(path),), scheduler=laptop, daemon=True)
    job.start()
    seen(job, "in has_signals_of_its_own")
    (tmp_path / "own.go").touch()
    heard, written = job.result
    assert heard == "True"
    assert "in has_signals_of_its_own" in written


def dies(path: str) -> None:
    while not os.path.exists(path):
        time.sleep(0.01)
    ctypes.string_at(0)


def test_of_a_crash_the_last_words_are_its_own(laptop: ProcessScheduler, tmp_path: Path) -> None:
    path = tmp_path / "die"
    job = Job(target=dies, args=(str(path),), scheduler=laptop, retries=0, daemon=True)
    job.start()
    seen(job, "in dies")
    path.touch()
    text = str(job.exception)
    assert "Segmentation fault" in text
    assert text.count("in dies") == 1


def test_frames_of_the_worker_alone_stay() -> None:
    assert for_people(b"") == ""
    assert for_people(b"Thread 0x1 (most recent call first):\n  <no Python frame>\n") != ""


# ------------------------------------------------------------------ what is read of it


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "stuck_job.py"],
        env={**os.environ, "GRIDENGINE_SCHEDULER": "process"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "in convert" in done.stdout
    assert "sleep 600" in done.stdout
