"""Who dies, when, and where: nothing is lost, and the death certificate says it all."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import gridengine
from gridengine import DeathCause, Job, JobDied, JobState
from gridengine.dispatcher.waiting import when_over
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from .. import kinds, targets
from ..cluster import BatchCluster, Cluster, Host
from ..conftest import warm
from ..waiting import wait_until
from . import crashes
from .crashes import Attempt, Attempts, Crash

#: Seconds in which a death is known. On a cluster a plain SIGKILL is held back for a second
#: opinion, the batch system's.
KNOWN_HERE = 1.0
KNOWN_THERE = 2.0
SECOND_OPINION = 1.5

#: Small enough to wait for, long against what a busy test machine may take to answer.
HEARTBEAT, PATIENCE = 0.5, 3.0


@pytest.fixture(scope="module", params=["process", *kinds.BEHIND_THE_QUEUE])
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, its workers shared by the tests that harm nothing else."""
    with _made(request) as made:
        warm(made, 4 if made.remote else 2)
        yield made


@pytest.fixture(params=["process", *kinds.BEHIND_THE_QUEUE])
def own_scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """Each scheduler in turn, for one test alone."""
    with _made(request) as made:
        yield made


def _made(request: pytest.FixtureRequest) -> Scheduler:
    if request.param == "process":
        return kinds.made("process", 2)
    kinds.brought_up(request.param, request)
    return kinds.made(request.param, 4)


@pytest.fixture(params=kinds.BEHIND_THE_QUEUE)
def kind(request: pytest.FixtureRequest) -> str:
    """Each batch system in turn."""
    name: str = request.param
    return name


@pytest.fixture
def harmed(kind: str, request: pytest.FixtureRequest) -> Iterator[BatchCluster]:
    """Its cluster, to do harm to: it is healed before and after."""
    cluster = kinds.brought_up(kind, request)
    cluster.heal()
    yield cluster
    cluster.heal()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", str(HEARTBEAT))
    monkeypatch.setenv("GRIDENGINE_PATIENCE", str(PATIENCE))


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    return Attempts(tmp_path / "attempts")


def start(scheduler: Scheduler, target: Any, *args: Any, **options: Any) -> Job:
    job = Job(target=target, args=args, scheduler=scheduler, **options)
    job.start()
    return job


def first_attempt(attempts: Attempts, number: int = 1) -> Attempt:
    """Waits for an attempt to run; the first by default."""
    return wait_until(lambda: attempts.noted()[number - 1 :], what="the job runs")[0]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- a worker dies ----------------------------------------------------------------------------

#: How, and what is to be known of it: signal, exit code, cause.
ENDS: dict[str, tuple[Crash, str | None, int, DeathCause]] = {
    "SIGKILL": (crashes.by_sigkill, "SIGKILL", -9, DeathCause.KILLED),
    "SIGTERM": (crashes.by_sigterm, "SIGTERM", -15, DeathCause.KILLED),
    "SIGSEGV": (crashes.by_sigsegv, "SIGSEGV", -11, DeathCause.CRASHED),
    "SIGABRT": (crashes.by_sigabrt, "SIGABRT", -6, DeathCause.CRASHED),
    "os._exit": (crashes.by_os_exit, None, 3, DeathCause.EXITED),
}


#: On a cluster each end of a sort, since every kill takes the time of a second opinion.
TABLE = [
    ("process", end) if kind == "process" else pytest.param(kind, end, marks=pytest.mark.cluster)
    for kind, ends in {
        "process": list(ENDS),
        "gridengine": ["SIGKILL", "SIGSEGV", "os._exit"],
        "slurm": ["SIGKILL", "SIGSEGV", "os._exit"],
    }.items()
    for end in ends
]
each_end = pytest.mark.parametrize(("scheduler", "end"), TABLE, indirect=["scheduler"])


def while_running(crash: Crash, attempts: Attempts) -> dict[str, Any]:
    return {"target": crashes.crash_while_running, "args": (crash, attempts)}


def while_unpacking(crash: Crash, attempts: Attempts) -> dict[str, Any]:
    return {"target": targets.give, "args": (crashes.CrashesAtUnpickle(crash, attempts),)}


def while_packing(crash: Crash, attempts: Attempts) -> dict[str, Any]:
    return {"target": crashes.return_what_crashes_at_pickle, "args": (crash, attempts)}


@pytest.mark.parametrize("moment", [while_running, while_unpacking, while_packing])
@each_end
def test_a_worker_that_dies_of_its_job_is_known_at_once_and_certified(
    scheduler: Scheduler, attempts: Attempts, moment: Callable[..., Any], end: str
) -> None:
    crash, signame, exitcode, cause = ENDS[end]
    innocent = [start(scheduler, targets.square, x) for x in range(6)]
    job = Job(**moment(crash, attempts), scheduler=scheduler, name="guilty")
    job.start()
    innocent += [start(scheduler, targets.square, x) for x in range(6, 12)]

    job.join()
    over = time.monotonic()
    died = job.exception

    assert isinstance(died, JobDied)
    assert (signame, exitcode, cause) == (died.signal, died.exitcode, died.cause)
    first, last = attempts.noted()
    assert ("guilty", None, 2, last.pid) == (died.job, died.index, died.attempt, died.pid)
    assert first.pid != last.pid
    assert died.host == last.host
    assert crash.__name__ in died.input
    assert died.peak_memory > 1_000_000
    assert 0 < died.wall_time < 10
    for said in (
        "'guilty' with",
        f"died: {cause.value}",
        signame or "exit status 3",
        last.host,
        str(last.pid),
    ):
        assert said in str(died)
    assert (JobState.DIED, exitcode, 2) == (job.state, job.exitcode, job.attempts)
    doubtful = SECOND_OPINION if scheduler.remote and cause is DeathCause.KILLED else 0.0
    assert over - last.time < (KNOWN_THERE if scheduler.remote else KNOWN_HERE) + doubtful
    assert [x * x for x in range(12)] == [each.result for each in innocent]


@each_end
def test_a_worker_that_dies_after_it_has_answered_costs_nothing(
    scheduler: Scheduler, attempts: Attempts, tmp_path: Path, end: str
) -> None:
    """Its result is kept, and the next jobs run elsewhere, though it was thought to be idle."""
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    job = start(scheduler, crashes.return_and_crash_when_told, ENDS[end][0], attempts, fifo)
    pid = job.result

    # The worker is told in the same moment as the next jobs are handed out.
    os.close(os.open(fifo, os.O_WRONLY))
    after = [start(scheduler, targets.square, x) for x in range(8)]

    assert [x * x for x in range(8)] == [each.result for each in after]
    wait_until(lambda: is_gone(pid), what="the worker is gone")
    assert (pid, 1, JobState.FINISHED) == (job.result, job.attempts, job.state)
    assert 1 == len(attempts.noted())


def test_an_idle_worker_that_is_killed_is_replaced(scheduler: Scheduler) -> None:
    pid = start(scheduler, targets.pid).result
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), what="the worker is gone")
    jobs = [start(scheduler, targets.pid) for _ in range(4)]
    assert pid not in [job.result for job in jobs]


@pytest.mark.parametrize("chunksize", [1, 5])
def test_a_call_of_a_map_whose_argument_kills_is_found(
    scheduler: Scheduler, attempts: Attempts, chunksize: int
) -> None:
    guilty = crashes.CrashesAtUnpickle(crashes.by_sigsegv, attempts)
    items = [0, 1, guilty, 3, 4]
    got = gridengine.map(
        targets.give, items, scheduler=scheduler, reraise=False, chunksize=chunksize
    )
    assert isinstance(got[2], JobDied)
    assert (2, 2) == (got[2].index, len(attempts.noted()))
    assert "by_sigsegv" in got[2].input
    assert [0, 1, 3, 4] == [*got[:2], *got[3:]]


def test_among_two_hundred_jobs_one_killer_is_found_and_the_others_have_their_results(
    scheduler: Scheduler,
) -> None:
    # The dispatcher knows by then that such calls are fast, and hands out blocks of them.
    f = functools.partial(targets.kill_self_at, bad=117)
    for job in [start(scheduler, f, x) for x in range(20)]:
        job.join()
    jobs = [start(scheduler, f, x) for x in range(200)]
    errors = {x: job.exception for x, job in enumerate(jobs) if job.exception is not None}
    assert [117] == list(errors)
    assert isinstance(errors[117], JobDied)
    assert "117" == errors[117].input
    assert 2 == jobs[117].attempts
    assert [x for x in range(200) if x != 117] == [
        job.result for job in jobs if job.state is JobState.FINISHED
    ]


def test_a_death_is_told_by_a_map_while_its_other_calls_run(
    scheduler: Scheduler, attempts: Attempts, tmp_path: Path
) -> None:
    """The first failure ends the map: no slow call is waited for."""
    with pytest.raises(JobDied, match="SIGSEGV"):
        gridengine.map(
            functools.partial(_crash_or_wait, attempts=attempts, path=str(tmp_path / "never")),
            range(2),
            scheduler=scheduler,
            timeout=30,
        )
    crashes.stop_waiting(str(tmp_path / "never"))


def _crash_or_wait(x: int, attempts: Attempts, path: str) -> int:
    if x == 0:
        crashes.crash_while_running(crashes.by_sigsegv, attempts)
    return crashes.pid_after(path)


# -- a supervisor dies ------------------------------------------------------------------------


def kills_when_unpacked(attempts: Attempts) -> dict[str, Any]:
    return {"target": targets.give, "args": (crashes.KillsTheSupervisorAtUnpickle(attempts),)}


def kills_when_run(attempts: Attempts) -> dict[str, Any]:
    return {"target": crashes.kill_the_supervisor_once, "args": (attempts,)}


def kills_when_packed(attempts: Attempts) -> dict[str, Any]:
    return {"target": crashes.KillsTheSupervisorAtPickle, "args": (attempts,)}


@pytest.mark.parametrize("moment", [kills_when_unpacked, kills_when_run, kills_when_packed])
def test_a_supervisor_that_dies_while_it_has_a_job_costs_no_attempt(
    own_scheduler: Scheduler, attempts: Attempts, moment: Callable[..., Any]
) -> None:
    job = Job(**moment(attempts), scheduler=own_scheduler, retries=0)
    job.start()
    assert ("survived", 2) == (job.result, job.attempts)
    first, second = attempts.noted()
    assert first.supervisor != second.supervisor


@pytest.mark.parametrize("moment", ["before the job is fetched", "after its answer"])
def test_a_supervisor_that_dies_without_a_job_costs_nothing(
    own_scheduler: Scheduler, moment: str
) -> None:
    worker, supervisor = start(own_scheduler, _pid_and_parent).result
    if moment == "before the job is fetched":
        os.kill(supervisor, signal.SIGKILL)
        assert 9 == start(own_scheduler, targets.square, 3, retries=0).result
    else:
        job = start(own_scheduler, targets.square, 3, retries=0)
        job.join()
        os.kill(supervisor, signal.SIGKILL)
        wait_until(lambda: is_gone(worker), what="its worker is gone")
        assert (9, 1) == (job.result, job.attempts)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGALRM, signal.SIGTERM])
def test_the_jobs_of_a_lost_supervisor_run_again_without_losing_an_attempt(
    own_scheduler: Scheduler, tmp_path: Path, signum: int
) -> None:
    logs = [Attempts(tmp_path / f"attempts {number}") for number in range(2)]
    path = str(tmp_path / "go on")
    jobs = [
        start(own_scheduler, crashes.run_until, log, path, number, retries=0)
        for number, log in enumerate(logs)
    ]
    lost = [first_attempt(log) for log in logs]
    for supervisor in {attempt.supervisor for attempt in lost}:
        os.kill(supervisor, signum)
    again = [first_attempt(log, 2) for log in logs]
    wait_until(lambda: all(is_gone(attempt.pid) for attempt in lost), what="the workers are gone")
    crashes.stop_waiting(path)
    assert [0, 1] == [job.result for job in jobs]
    assert [2, 2] == [job.attempts for job in jobs]
    assert not {a.supervisor for a in lost} & {a.supervisor for a in again}


def test_what_a_job_has_started_ends_with_its_supervisor(
    own_scheduler: Scheduler, attempts: Attempts, tmp_path: Path
) -> None:
    """Though nobody is left to end it but the reaper: subprocesses in sessions of their own."""
    job = start(own_scheduler, crashes.start_a_subprocess_and_wait, attempts, str(tmp_path / "a"))
    os.kill(first_attempt(attempts).supervisor, signal.SIGKILL)
    lost = list(map(int, (tmp_path / "a").read_text().split()))
    first_attempt(attempts, 2)
    wait_until(lambda: all(map(is_gone, lost)), what="all that it started is gone")
    job.kill()
    job.join()


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_kills_its_supervisor_every_time_dies_of_it(
    signum: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDENGINE_INFRASTRUCTURE_RETRIES", "2")
    with ProcessScheduler(2) as scheduler:
        kept = [start(scheduler, targets.square, x) for x in range(4)]
        assert [0, 1, 4, 9] == [job.result for job in kept]
        job = start(scheduler, crashes.by_killing_the_parent, signum)
        assert isinstance(job.exception, JobDied)
        assert job.attempts <= 3
        assert 16 == start(scheduler, targets.square, 4).result
        assert [0, 1, 4, 9] == [job.result for job in kept]


def test_a_job_that_kills_its_supervisor_takes_none_of_its_neighbours_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are lost with it twice at most; then each is run alone, and it alone dies."""
    monkeypatch.setenv("GRIDENGINE_INFRASTRUCTURE_RETRIES", "3")
    with ProcessScheduler(3) as scheduler:
        guilty = start(scheduler, crashes.by_killing_the_parent, signal.SIGKILL)
        # None of them would end before the next time, but some may not have begun by then.
        innocent = [start(scheduler, targets.sleep, 0.3, retries=0) for _ in range(4)]
        assert isinstance(guilty.exception, JobDied)
        assert [0.3] * 4 == [job.result for job in innocent]
        assert max(job.attempts for job in innocent) <= 3


# -- silence ----------------------------------------------------------------------------------


def test_a_supervisor_that_was_frozen_finds_its_jobs_done_elsewhere(
    own_scheduler: Scheduler, impatient: None, attempts: Attempts, tmp_path: Path
) -> None:
    """Its worker answers all the same, too late: the other's answer has been recorded."""
    path = str(tmp_path / "go on")
    records: list[JobState] = []
    job = start(own_scheduler, crashes.run_until, attempts, path, 7, retries=0)
    frozen = first_attempt(attempts)
    os.kill(frozen.supervisor, signal.SIGSTOP)
    try:
        first_attempt(attempts, 2)
        when_over(job._task, lambda: records.append(job.state))  # type: ignore[arg-type]
        crashes.stop_waiting(path)
        assert (7, 2) == (job.result, job.attempts)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(frozen.supervisor, signal.SIGCONT)
    wait_until(lambda: is_gone(frozen.supervisor), what="the supervisor has given up")
    wait_until(lambda: is_gone(frozen.pid), what="its worker is gone")
    # And the program has lost nothing by it: new workers, and new supervisors, can come.
    for signum in (signal.SIGKILL, signal.SIGTERM):
        pids = start(own_scheduler, _pid_and_parent).result
        os.kill(pids[signum == signal.SIGTERM], signum)
        jobs = [start(own_scheduler, targets.square, x) for x in range(10)]
        assert [x * x for x in range(10)] == [job.result for job in jobs]
    assert ([JobState.FINISHED], 7, 2) == (records, job.result, job.attempts)


def _pid_and_parent() -> tuple[int, int]:
    return os.getpid(), os.getppid()


# -- what only a batch system has -------------------------------------------------------------


def test_the_job_of_a_deleted_queue_job_runs_again_without_losing_an_attempt(
    kind: str, harmed: BatchCluster, attempts: Attempts, tmp_path: Path
) -> None:
    path = str(tmp_path / "go on")
    with kinds.made(kind, 1) as scheduler:
        job = start(scheduler, crashes.run_until, attempts, path, 5, retries=0)
        lost = first_attempt(attempts)
        harmed.delete(lost.queue_job)
        again = first_attempt(attempts, 2)
        assert lost.queue_job != again.queue_job
        crashes.stop_waiting(path)
        assert (5, 2) == (job.result, job.attempts)
    wait_until(lambda: is_gone(lost.pid), what="its worker is gone")


def test_all_that_a_job_has_started_ends_with_its_queue_job(
    kind: str, harmed: BatchCluster, attempts: Attempts, tmp_path: Path
) -> None:
    """A batch system may kill a process group alone: what left it is the reaper's."""
    with kinds.made(kind, 1) as scheduler:
        path = str(tmp_path / "a")
        job = start(scheduler, crashes.start_a_subprocess_and_wait, attempts, path)
        harmed.delete(first_attempt(attempts).queue_job)
        lost = list(map(int, (tmp_path / "a").read_text().split()))
        wait_until(lambda: all(map(is_gone, lost)), what="all that it started is gone", timeout=15)
        # It is tried again, and would be waited for.
        job.kill()


def test_a_job_survives_the_guard_of_its_queue_job(
    kind: str, harmed: BatchCluster, attempts: Attempts, tmp_path: Path
) -> None:
    path = str(tmp_path / "go on")
    with kinds.made(kind, 1) as scheduler:
        job = start(scheduler, crashes.run_until, attempts, path, 5, retries=0)
        lost = first_attempt(attempts)
        parents = psutil.Process(lost.supervisor).parents()
        (guard,) = [each.pid for each in parents if each.name() == harmed.guard]
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: is_gone(guard), what="the guard is gone")
        # With it goes its queue job, or it does not: the job has an answer in any case.
        wait_until(lambda: len(attempts.noted()) == 2 or not is_gone(lost.pid), what="the job runs")
        crashes.stop_waiting(path)
        assert 5 == job.result
        assert job.attempts == len(attempts.noted())
    wait_until(lambda: is_gone(lost.pid), what="its worker is gone")


def test_a_job_goes_on_without_the_daemon_of_its_node(
    kind: str, harmed: BatchCluster, attempts: Attempts, tmp_path: Path
) -> None:
    path = str(tmp_path / "go on")
    with kinds.made(kind, 1) as scheduler:
        job = start(scheduler, crashes.run_until, attempts, path, 5, retries=0)
        running = first_attempt(attempts)
        node = _node(harmed, running)
        harmed.stop_daemon(node)
        try:
            crashes.stop_waiting(path)
            assert (5, 1) == (job.result, job.attempts)
        finally:
            harmed.start_daemon(node)


@pytest.mark.cluster
@pytest.mark.parametrize("through", ["drmaa", "commands"])
def test_a_worker_that_reaches_its_h_rt_after_other_jobs_costs_no_attempt(
    cluster: Cluster, attempts: Attempts, through: str
) -> None:
    with GridEngineScheduler(max_workers=1, through=through, h_rt=3) as scheduler:
        before = start(scheduler, targets.pid)
        before.join()
        job = start(scheduler, crashes.run_for_ever_the_first_time, attempts, 5, retries=0)
        assert (5, 2) == (job.result, job.attempts)
    first, second = attempts.noted()
    assert before.result == first.pid
    assert first.queue_job != second.queue_job


def test_the_jobs_of_a_node_that_is_cut_off_are_done_elsewhere_and_recorded_once(
    harmed: BatchCluster, impatient: None, tmp_path: Path
) -> None:
    logs = [Attempts(tmp_path / f"attempts {number}") for number in range(8)]
    paths = [str(tmp_path / f"go on {number}") for number in range(8)]
    over: list[int] = []
    with kinds.on(harmed) as scheduler:
        jobs = [
            start(scheduler, crashes.run_until, log, path, number, retries=0)
            for number, (log, path) in enumerate(zip(logs, paths, strict=True))
        ]
        for number, job in enumerate(jobs):
            when_over(job._task, functools.partial(over.append, number))  # type: ignore[arg-type]
        began = [first_attempt(log) for log in logs]
        node = harmed.nodes[0]
        away = [n for n, attempt in enumerate(began) if attempt.host == node.name]
        assert away
        assert len(away) < 8
        workers = [began[n].pid for n in away]

        harmed.cut(node)
        for number, path in enumerate(paths):
            if number not in away:
                crashes.stop_waiting(path)
        again = [first_attempt(logs[n], 2) for n in away]
        assert {harmed.nodes[1].name} == {attempt.host for attempt in again}
        for path in paths:
            crashes.stop_waiting(path)
        assert list(range(8)) == [job.result for job in jobs]
        wait_until(lambda: all(map(is_gone, workers)), what="the workers cut off have ended")

        harmed.mend(node)
        assert list(range(8)) == sorted(over)
        assert [2 if n in away else 1 for n in range(8)] == [job.attempts for job in jobs]
        assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
    wait_until(lambda: not harmed.queue_jobs(), what="the queue is empty", timeout=40)
    assert [2 if n in away else 1 for n in range(8)] == [len(log.noted()) for log in logs]


def test_a_short_cut_loses_nothing(
    kind: str,
    harmed: BatchCluster,
    monkeypatch: pytest.MonkeyPatch,
    attempts: Attempts,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.2")
    path = str(tmp_path / "go on")
    with kinds.made(kind, 1) as scheduler:
        job = start(scheduler, crashes.run_until, attempts, path, 5)
        node = _node(harmed, first_attempt(attempts))
        harmed.cut(node)
        # It answers while it is cut off: the answer arrives when it can.
        crashes.stop_waiting(path)
        mended = threading.Timer(1.0, harmed.mend, [node])
        mended.start()
        assert (5, 1) == (job.result, job.attempts)
        mended.join()


def _node(cluster: BatchCluster, attempt: Attempt) -> Host:
    return next(node for node in cluster.nodes if node.name == attempt.host)
