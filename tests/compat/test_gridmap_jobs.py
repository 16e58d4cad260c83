"""GridMap's `grid_map` and `process_jobs`, on workers of each scheduler."""

from __future__ import annotations

import _thread
import concurrent.futures
import functools
import logging
import operator
import os
import socket
import threading
import types
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gridengine
from gridengine.compat.gridmap import (
    DRMAANotPresentException,
    Job,
    JobException,
    conf,
    grid_map,
    log_files,
    process_jobs,
)
from gridengine.compat.gridmap.cluster import Variants
from gridengine.compat.gridmap.job import JobMonitor
from gridengine.compat.gridmap.log_files import JobFiles
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)
from gridengine.settings import Settings

from ..conftest import warm
from ..waiting import wait_until
from . import gridmap_targets as targets

SAMPLED: Any = {"sample_interval": 0.5}


@pytest.fixture(
    scope="module", params=["process", pytest.param("cluster", marks=pytest.mark.cluster)]
)
def made(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    scheduler: Scheduler
    if request.param == "process":
        scheduler = ProcessScheduler(2, settings=SAMPLED)
    else:
        request.getfixturevalue("cluster")
        scheduler = GridEngineScheduler(max_workers=2, settings=SAMPLED)
    with scheduler:
        warm(scheduler, 2)
        yield scheduler


@pytest.fixture
def workers(made: Scheduler, tmp_path: Path, shared: Path, monkeypatch: Any) -> Iterator[Scheduler]:
    """Has jobs run on a scheduler: the one whose ``with`` the test is in."""
    leave = gridengine.schedulers.base.enter(made)
    yield made
    leave()


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that jobs see too."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Where files of what jobs print are."""
    return tmp_path / "logs"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------- calls and results


def test_lists_are_taken_apart_and_all_else_is_one_argument(workers: Scheduler, logs: Path) -> None:
    given = [(1, 2), [3], 4, "ab", [5, 6], {7: 8}, None]
    want = [(1, 2), 3, 4, "ab", (5, (6,), {}), {7: 8}, None]
    assert grid_map(targets.give, iter(given), temp_dir=logs) == want


def test_functions_of_no_module_and_partials_are_called(workers: Scheduler, logs: Path) -> None:
    step = 3
    assert grid_map(lambda x: x + step, range(5), temp_dir=logs) == [3, 4, 5, 6, 7]
    assert grid_map(functools.partial(operator.add, 2), [1, 2], temp_dir=logs) == [3, 4]
    assert grid_map(abs, [], temp_dir=logs) == []


def test_jobs_have_positional_arguments_and_keywords(workers: Scheduler, logs: Path) -> None:
    jobs = [
        Job(targets.give, (1, 2), {"z": 3}),
        Job(targets.give, iter([1, 2])),
        Job(targets.give, []),
    ]
    want = [(1, (2,), {"z": 3}), (1, (2,), {}), None]
    assert process_jobs(iter(jobs), logs) == want
    assert [job.ret for job in jobs] == want


def test_arrays_and_returned_exceptions_are_results(workers: Scheduler, logs: Path) -> None:
    array, error = grid_map(targets.give, [np.arange(5), ValueError("mine")], temp_dir=logs)
    assert array.tolist() == [0, 1, 2, 3, 4]
    assert isinstance(error, ValueError)
    assert not gridengine.raised(error)


def test_a_job_may_have_processes_of_its_own(workers: Scheduler, logs: Path) -> None:
    assert grid_map(targets.with_a_pool, [3, 4], temp_dir=logs) == [[3, 2, 1], [4, 3, 2, 1]]


def test_jobs_run_where_they_were_made_with_their_own_variables(
    workers: Scheduler, logs: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["OWN", "OTHER", "THEN"]
    monkeypatch.setenv("THEN", "now")
    jobs = [Job(targets.surroundings, names, add_env={"OWN": "a,b=c\nd"})]
    monkeypatch.chdir(shared)
    monkeypatch.setenv("THEN", "later")
    jobs.append(Job(targets.surroundings, names, add_env={"OTHER": "x"}))
    jobs.append(Job(targets.surroundings, names))
    monkeypatch.undo()
    assert process_jobs(jobs, logs) == [
        (os.getcwd(), {"OWN": "a,b=c\nd", "OTHER": None, "THEN": "now"}),
        (str(shared), {"OWN": None, "OTHER": "x", "THEN": "later"}),
        (str(shared), {"OWN": None, "OTHER": None, "THEN": "later"}),
    ]


# ---------------------------------------------------------------------- failures


def test_the_first_exception_is_raised_and_ends_the_others(
    workers: Scheduler, logs: Path, shared: Path
) -> None:
    done, begun = str(shared / "done"), str(shared / "begun")
    known = shared / "known"
    jobs = [
        Job(targets.touch, [done]),
        Job(targets.fail_when, [str(known)], name="bad"),
        Job(targets.block, [begun]),
    ]

    def fail_when_one_is_done() -> None:
        wait_until(lambda: jobs[0].ret == done, what="the first job's result is known")
        known.touch()

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        told = executor.submit(fail_when_one_is_done)
        with pytest.raises(KeyError) as caught:
            process_jobs(jobs, logs)
        told.result()
    assert jobs[1].ret is caught.value
    assert jobs[1].cause_of_death == "exception"
    assert jobs[1].traceback is not None
    assert "fail_when" in jobs[1].traceback
    assert jobs[1].num_resubmits == 0
    # What was done by then is there for who has the jobs.
    assert (jobs[0].ret, jobs[0].traceback, jobs[0].cause_of_death) == (done, None, "")
    assert jobs[2].cause_of_death == ""


def test_without_reraise_all_run_and_failures_stand_in_the_list(
    workers: Scheduler, logs: Path, shared: Path
) -> None:
    got = grid_map(targets.fail_at, [[x, 2] for x in range(4)], temp_dir=logs, reraise=False)
    assert [gridengine.raised(each) for each in got] == [False, False, True, False]
    assert str(got.pop(2)) == "at 2"
    assert got == [0, 1, 3]


def test_a_lost_job_is_tried_again(workers: Scheduler, logs: Path, shared: Path) -> None:
    job = Job(targets.die, [str(shared), 1])
    assert process_jobs([job], logs) == [2]
    assert (job.num_resubmits, job.cause_of_death, job.traceback) == (1, "", None)


def test_a_job_that_is_lost_too_often_fails_with_its_certificate(
    workers: Scheduler, logs: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conf.NUM_RESUBMITS == 3
    monkeypatch.setattr(conf, "NUM_RESUBMITS", 1)
    job = Job(targets.die, [str(shared), 9], name="weak")
    with pytest.raises(
        JobException, match=r"Job weak \(.+\) failed after 1 resubmission"
    ) as caught:
        process_jobs([job], logs)
    assert isinstance(caught.value.__cause__, gridengine.JobDied)
    assert (job.num_resubmits, job.cause_of_death) == (1, "unknown")
    assert job.traceback is not None
    assert "SIGKILL" in job.traceback
    assert len(names_in(shared)) == 2


def test_a_lost_job_without_reraise_is_a_failure_in_the_list(
    workers: Scheduler, logs: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "NUM_RESUBMITS", 0)
    (failure,) = grid_map(targets.die, [[str(shared), 9]], temp_dir=logs, reraise=False)
    assert isinstance(failure, JobException)
    assert gridengine.raised(failure)


def test_ctrl_c_ends_all_jobs(workers: Scheduler, logs: Path, shared: Path) -> None:
    marker = shared / "pid"

    def interrupt() -> None:
        wait_until(lambda: marker.exists() and marker.read_text(), what="the job runs")
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        grid_map(targets.block, [str(marker)], temp_dir=logs)
    thread.join()
    if not workers.remote:
        pid = marker.read_text()
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), what="the job has ended")
    assert grid_map(abs, [-1], temp_dir=logs) == [1]


def test_what_cannot_travel_is_an_error_and_ends_the_others(workers: Scheduler, logs: Path) -> None:
    with pytest.raises(gridengine.PackingError):
        grid_map(targets.give, [1, threading.Lock()], temp_dir=logs)
    # What was begun is ended meanwhile, at whatever point it was.
    warm(workers, 2)


# ---------------------------------------------------------------------- what is known of them


def test_jobs_say_what_has_become_of_them(
    workers: Scheduler, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    size = 40 * 2**20
    job = Job(targets.use, [1.6, size], name="my job", cleanup=False)
    assert (job.id, job.host_name, job.timestamp, job.heart_beat) == (-1, "", None, None)
    before = datetime.now()
    assert process_jobs([job], logs, quiet=False) == [size]
    assert f"Your job my_job has been submitted with id {job.id}\n" in capfd.readouterr().err
    assert isinstance(job.id, str)
    assert job.timestamp is not None
    assert before < job.timestamp < datetime.now()
    assert len(job.track_mem) == len(job.track_cpu) >= 1
    assert 40 < max(job.track_mem) < 1000
    percent, running = max(job.track_cpu)
    assert 1 < percent < 400
    assert running
    assert job.heart_beat == {
        "memory": job.track_mem[-1], "cpu_load": job.track_cpu[-1], "log_file": ""
    }  # fmt: skip
    assert job.log_stdout_fn == str(logs / f"my_job.o{job.id}")
    assert job.log_stderr_fn == str(logs / f"my_job.e{job.id}")
    if not workers.remote:
        assert job.host_name == socket.gethostname()


def test_what_jobs_print_is_in_two_files_which_only_failures_leave(
    workers: Scheduler, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = [
        Job(targets.speak, ["good"], name="good"),
        Job(targets.speak, ["kept"], name="kept", cleanup=False),
        Job(targets.speak, ["bad", True], name="bad"),
        Job(targets.give, [1], name="silent", cleanup=False),
    ]
    process_jobs(jobs, logs, reraise=False)
    _, kept, bad, silent = jobs
    want = [path for job in jobs[1:] for path in (job.log_stdout_fn, job.log_stderr_fn)]
    assert names_in(logs) == sorted(os.path.basename(path) for path in want)
    assert Path(kept.log_stdout_fn).read_text() == "out kept\n"
    assert Path(kept.log_stderr_fn).read_text() == "err kept\n"
    assert Path(bad.log_stdout_fn).read_text() == "out bad\n"
    assert Path(bad.log_stderr_fn).read_text() == f"err bad\n{bad.traceback}"
    assert Path(silent.log_stdout_fn).read_text() == ""
    assert "bad" not in capfd.readouterr().out


def test_jobs_of_one_name_have_files_of_their_own(workers: Scheduler, logs: Path) -> None:
    jobs = [Job(targets.speak, [str(number)], cleanup=False) for number in range(4)]
    process_jobs(jobs, logs)
    process_jobs(jobs, logs)
    assert len(names_in(logs)) == 16
    for number, job in enumerate(jobs):
        assert Path(job.log_stdout_fn).read_text() == f"out {number}\n"


def test_a_folder_that_cannot_be_made_is_told_and_harms_no_job(
    workers: Scheduler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    job = Job(targets.speak, ["x"], cleanup=False)
    with caplog.at_level(logging.WARNING):
        assert process_jobs([job], tmp_path / "file" / "folder") == [None]
    assert caplog.text.count("is written to no file") == 1


def test_a_monitor_runs_jobs(workers: Scheduler, logs: Path) -> None:
    jobs = [Job(targets.give, [x]) for x in range(3)]
    with JobMonitor(str(logs)) as monitor:
        monitor.check("a session", jobs)
        assert monitor.all_jobs_done()
        monitor.check_if_alive()
        assert monitor.ids == [job.id for job in jobs]
        assert monitor.session_id == "a session"
        assert monitor.id_to_job[jobs[-1].id] in jobs
    assert [job.ret for job in jobs] == [0, 1, 2]
    assert monitor.host_name == socket.gethostname()


def test_a_monitor_raises_what_a_job_has_raised(workers: Scheduler, logs: Path) -> None:
    with pytest.raises(ZeroDivisionError), JobMonitor(str(logs)) as monitor:
        monitor.check(None, [Job(targets.fail_at, [1, 1])])


def test_a_stalled_job_is_ended_if_the_settings_say_when(
    logs: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "_said", {"MAX_IDLE_HEARTBEATS", "HEARTBEAT_FREQUENCY"})
    monkeypatch.setattr(conf, "MAX_IDLE_HEARTBEATS", 2)
    monkeypatch.setattr(conf, "HEARTBEAT_FREQUENCY", 1)
    monkeypatch.setattr(conf, "NUM_RESUBMITS", 0)
    job = Job(targets.block, [str(shared / "begun")])
    with ProcessScheduler(1), pytest.raises(JobException):
        process_jobs([job], logs)
    assert job.cause_of_death == "stalled"


@pytest.mark.parametrize("resubmits", [0, 1])
def test_losses_that_no_job_is_to_blame_for_count_as_resubmissions_too(
    logs: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, resubmits: int
) -> None:
    monkeypatch.setattr(conf, "NUM_RESUBMITS", resubmits)
    job = Job(targets.end_supervisor, [str(shared)])
    with ProcessScheduler(1), pytest.raises(JobException, match=f"after {resubmits} resub"):
        process_jobs([job], logs)
    assert (job.num_resubmits, job.cause_of_death) == (resubmits, "unknown")
    # It may have begun once more before it was taken back.
    assert resubmits < len(os.listdir(shared)) <= resubmits + 2


@pytest.mark.parametrize(
    ("said", "looks", "patience"),
    [
        ({"HEARTBEAT_FREQUENCY": 60}, 60.0, Settings().patience),
        ({"HEARTBEAT_FREQUENCY": 60, "MAX_TIME_BETWEEN_HEARTBEATS": 180}, 60.0, 180.0),
        ({"MAX_TIME_BETWEEN_HEARTBEATS": 4}, Settings().sample_interval, 15.0),
    ],
)
def test_no_node_counts_as_lost_for_rare_looks_at_jobs_or_before_its_next_sign_of_life(
    said: dict[str, int], looks: float, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "_said", set(said))
    for name, value in said.items():
        monkeypatch.setattr(conf, name, value)
    made = Variants(ProcessScheduler(1)).of(Job(abs, [1]))
    read = Settings.read(arguments=made.settings)
    assert (read.sample_interval, read.patience) == (looks, patience)
    assert read.heartbeat == Settings().heartbeat


@pytest.mark.parametrize("planted", ["symbolic link", "hard link", "fifo"])
def test_nothing_is_written_to_what_somebody_has_planted_where_a_log_will_be(
    tmp_path: Path, planted: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_files, "_failed", set())
    task: Any = types.SimpleNamespace(attempts=1, id=7, place=None)
    files = JobFiles(str(tmp_path), "guessed", remote=False)
    mine, log = tmp_path / "mine", Path(files.of_latest(task).stderr)
    mine.write_text("as it was")
    if planted == "fifo":
        os.mkfifo(log)
    elif planted == "hard link":
        os.link(mine, log)
    else:
        log.symlink_to(mine)
    files.keep(task, "a traceback")
    assert mine.read_text() == "as it was"
    assert "is written to no file" in caplog.text
    log.unlink()
    files.keep(task, "a traceback")
    assert log.read_text() == "a traceback"


def test_jobs_run_inline_too(logs: Path) -> None:
    with InlineScheduler():
        assert grid_map(targets.give, [1, [2, 3]], temp_dir=logs) == [1, (2, (3,), {})]
        with pytest.raises(ZeroDivisionError):
            grid_map(targets.fail_at, [[x, 1] for x in range(3)], temp_dir=logs)


def test_without_a_cluster_there_is_an_error_where_it_is_required(logs: Path) -> None:
    with ProcessScheduler(1), pytest.raises(DRMAANotPresentException, match="require_cluster"):
        grid_map(abs, [1], require_cluster=True, temp_dir=logs)
