"""Pools of queue_map_reduce and pypoolparty, by commands whose queue jobs are processes."""

from __future__ import annotations

import functools
import json
import operator
import os
import pickle
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridengine import GridEngineError, JobDied, PackingError
from gridengine.compat import pypoolparty
from gridengine.compat import queue_map_reduce as qmr
from gridengine.compat.queue_pools import log, queues, run
from gridengine.compat.queue_pools.run import task_numbers
from gridengine.compat.queue_pools.work_dir import WorkDir
from gridengine.schedulers import ProcessScheduler

from ..waiting import wait_until
from . import batch_commands

QMR = {"polling_interval_qstat": 0.02}
PPP = {"polling_interval": 0.02}


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, str]:
    return batch_commands.fill(tmp_path / "commands")


def pick(commands: dict[str, str], *names: str) -> dict[str, str]:
    return {f"{name}_path": commands[f"{name}_path"] for name in names}


def pool_of(kind: str, commands: dict[str, str], folder: Path, **options: Any) -> Any:
    sge, slurm = ("qsub", "qstat", "qdel"), ("sbatch", "squeue", "scancel")
    if kind == "qmr":
        return qmr.Pool(work_dir=folder, **QMR, **pick(commands, *sge), **options)
    makers: dict[str, Callable[..., Any]] = {
        "sge": pypoolparty.sun_grid_engine.Pool,
        "slurm": pypoolparty.slurm.Pool,
        "array": pypoolparty.slurm.array.Pool,
    }
    picked = pick(commands, *(sge if kind == "sge" else slurm))
    return makers[kind](work_dir=folder, **PPP, **picked, **options)


KINDS = ["qmr", "sge", "slurm", "array"]


def the_folder(folder: Path) -> Path:
    """The folder of the only map: the given one itself, or the one in it."""
    return folder if (folder / "session.json").exists() else next(folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_is_as_the_builtin(kind: str, commands: dict[str, str], tmp_path: Path) -> None:
    offset = 10
    pool = pool_of(kind, commands, tmp_path / "work")
    assert pool.map(lambda x: x + offset, range(3)) == [10, 11, 12]
    assert repr(pool) == "Pool()"
    # All went well: nothing is left, but for the folder in which each map makes its own.
    left = list((tmp_path / "work").iterdir()) if kind != "qmr" else os.listdir(tmp_path)
    assert left == ([] if kind != "qmr" else ["commands"])


@pytest.mark.parametrize("kind", ["sge", "array"])
def test_a_starmap_has_the_arguments_of_each_call(
    kind: str, commands: dict[str, str], tmp_path: Path
) -> None:
    pool = pool_of(kind, commands, tmp_path)
    assert pool.starmap(operator.sub, zip([5, 7], (1, 2), strict=True)) == [4, 5]


def test_chunks_are_neighbours_a_queue_job_each(commands: dict[str, str], tmp_path: Path) -> None:
    pool = pool_of("qmr", commands, tmp_path / "work", num_chunks=3, keep_work_dir=True)
    assert pool.map(abs, range(7)) == list(range(7))
    names = batch_commands.submitted(tmp_path / "commands")
    assert [name.partition("#")[2] for name in names] == ["000000000", "000000001", "000000002"]
    sizes = [len(pickle.loads((tmp_path / f"work/{n:09d}.pkl").read_bytes())) for n in range(3)]
    assert sizes == [3, 3, 1]
    assert qmr.utils.assign_tasks_to_chunks(100, 7)[-1] == list(range(90, 100))
    ppp = pool_of("sge", commands, tmp_path / "other")
    ppp.map(abs, range(5), chunksize=4)
    assert len(batch_commands.submitted(tmp_path / "commands")) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_no_tasks_need_no_queue_job(kind: str, commands: dict[str, str], tmp_path: Path) -> None:
    assert pool_of(kind, commands, tmp_path / "work").map(abs, []) == []
    assert not batch_commands.submitted(tmp_path / "commands")


def half(x: int) -> float:
    print("half of", x)
    return 1 / x


@pytest.mark.parametrize("kind", ["qmr", "slurm"])
def test_the_first_failure_is_raised_and_all_is_kept(
    kind: str, commands: dict[str, str], tmp_path: Path
) -> None:
    pool = pool_of(kind, commands, tmp_path / "work", num_chunks=2)
    with pytest.raises(ZeroDivisionError) as caught:
        pool.map(half, [1, 0, 2, 0])
    assert "1 / x" in str(caught.value.__cause__)
    folder = the_folder(tmp_path / "work")
    assert pickle.loads((folder / "000000000.pkl.out").read_bytes()) == [1.0, None]
    found = qmr.debug.make_summary(str(folder))
    assert (found["started"], found["completed"], found["incomplete"]) == ({0, 1}, {0, 1}, set())
    assert found["stdout"][0] == b"half of 1\nhalf of 0\n"
    assert found["stderr"][1].startswith(b"[task   1, in chunk]\nTraceback")
    # What has failed is done again, and fails again.
    again = pool_of(kind, commands, tmp_path, on_error="none", keep_work_dir=True)
    assert again.resume(str(folder)) == [1.0, None, 0.5, None]
    assert len(batch_commands.submitted(tmp_path / "commands")) == 4


def test_what_had_failed_is_done_again_where_the_cause_is_gone(
    commands: dict[str, str], tmp_path: Path
) -> None:
    def need(path: str) -> bool:
        return os.path.samefile(path, path)

    pool = pool_of("qmr", commands, tmp_path / "work")
    paths = [str(tmp_path), str(tmp_path / "later")]
    with pytest.raises(FileNotFoundError):
        pool.map(need, paths)
    (tmp_path / "later").touch()
    assert pool.resume(str(tmp_path / "work")) == [True, True]
    assert len(batch_commands.submitted(tmp_path / "commands")) == 3


def test_a_folder_is_for_one_program_at_a_time(commands: dict[str, str], tmp_path: Path) -> None:
    pool = pool_of("qmr", commands, tmp_path / "work", keep_work_dir=True)
    pool.map(abs, [1])
    held = WorkDir.found(str(tmp_path / "work")).held()
    with held, pytest.raises(GridEngineError, match="another program goes on"):
        pool.resume(str(tmp_path / "work"))
    assert pool.resume(str(tmp_path / "work")) == [1]


@pytest.mark.parametrize("kind", ["qmr", "array"])
def test_what_is_not_taken_for_a_moment_is_submitted_later(
    kind: str, commands: dict[str, str], tmp_path: Path
) -> None:
    path = Path(commands["sbatch_path" if kind == "array" else "qsub_path"])
    refuse = (
        "\nif not os.path.exists(sys.argv[0] + '.on'):\n"
        "    open(sys.argv[0] + '.on', 'w').close()\n"
        "    sys.exit('commlib error: got select error (Connection refused)')\nmain()\n"
    )
    path.write_text(path.read_text().replace("\nmain()\n", refuse))
    assert pool_of(kind, commands, tmp_path / "work").map(abs, range(3)) == [0, 1, 2]
    assert len(batch_commands.submitted(tmp_path / "commands")) == 3


def test_ctrl_c_does_not_wait_for_a_queue_that_does_not_answer(
    commands: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        Path(commands["qstat_path"]).write_text("#!/bin/sh\nexit 1\n")
        raise KeyboardInterrupt

    # Its alone: who waits for a command sleeps, too.
    clock = types.SimpleNamespace(sleep=interrupt)
    monkeypatch.setattr(run, "time", clock)
    with pytest.raises(KeyboardInterrupt):
        pool_of("qmr", commands, tmp_path / "work").map(time.monotonic, [1])


def test_failures_are_none_on_demand(commands: dict[str, str], tmp_path: Path) -> None:
    pool = pool_of("qmr", commands, tmp_path / "work", on_error="none")
    assert pool.map(half, [2, 0]) == [0.5, None]
    assert (tmp_path / "work").is_dir()


def test_a_result_that_cannot_travel_fails_its_own_task(
    commands: dict[str, str], tmp_path: Path
) -> None:
    pool = pool_of("qmr", commands, tmp_path / "work", num_chunks=1)
    with pytest.raises(PackingError, match="result"):
        pool.map(lambda x: open("/dev/null") if x else 7, [0, 1])  # noqa: SIM115
    assert qmr.debug.read_pkl(str(tmp_path / "work/000000000.pkl.out")) == [7, None]


def test_words_on_standard_error_keep_the_folder(commands: dict[str, str], tmp_path: Path) -> None:
    pool = pool_of("qmr", commands, tmp_path / "work")
    assert pool.map(lambda x: os.write(2, b"a warning\n") and x, [1]) == [1]
    assert (tmp_path / "work/000000000.pkl.e").read_bytes() == b"a warning\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_queue_job_in_error_is_submitted_again(
    kind: str, commands: dict[str, str], tmp_path: Path
) -> None:
    word = "2" if kind == "array" else "000000002"
    (tmp_path / "commands/evil").write_text(f"{word}\n{word}")
    pool = pool_of(kind, commands, tmp_path / "work", keep_work_dir=True, max_num_resubmissions=2)
    assert pool.map(abs, range(4)) == [0, 1, 2, 3]
    noted = json.loads(
        (the_folder(tmp_path / "work") / "num_resubmissions_by_ichunk.json").read_text()
    )
    assert noted == {"2": 2}
    wait_until(
        lambda: not batch_commands.standing(tmp_path / "commands"), what="no queue job is left"
    )


def test_one_that_is_in_error_too_often_fails_alone(
    commands: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "commands/evil").write_text("000000001\n" * 9)
    pool = pool_of("qmr", commands, tmp_path / "work", max_num_resubmissions=1)
    with pytest.raises(JobDied, match="in error 2 times: Eqw") as caught:
        pool.map(abs, range(3))
    assert caught.value.index == 1
    assert qmr.debug.make_summary(str(tmp_path / "work"))["incomplete_jobs"] == {1: [1]}
    # Later the batch system is well again.
    (tmp_path / "commands/evil").unlink()
    assert pool.resume(str(tmp_path / "work")) == [0, 1, 2]


def die_once(x: int, marker: str) -> int:
    if not os.path.exists(marker):
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def die(x: int) -> None:
    os.write(2, b"about to die\n")
    os.kill(os.getpid(), signal.SIGSEGV)


def test_one_that_ends_without_results_is_tried_again(
    commands: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_SETTLE", 0.2)
    pool = pool_of("qmr", commands, tmp_path / "work")
    f = functools.partial(die_once, marker=str(tmp_path / "marker"))
    assert pool.map(f, [5]) == [5]
    with pytest.raises(JobDied, match="ended 3 times without results") as caught:
        pool_of("qmr", commands, tmp_path / "other").map(die, [5])
    assert caught.value.output == "about to die"


def show_environment(name: str) -> tuple[str | None, str]:
    return os.environ.get(name), os.getcwd()


def test_the_environment_and_the_folder_are_there_whatever_they_hold(
    commands: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'a "quote", it\'s\na line; $(x) \\ ü'
    monkeypatch.setenv("ODD", text)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    # The real batch systems strip it.
    for name in ("qsub",):
        path = Path(commands[f"{name}_path"])
        path.write_text(path.read_text().replace("\nmain()\n", "\nos.environ.clear()\nmain()\n"))
    pool = pool_of("qmr", commands, tmp_path / "work")
    here = str(tmp_path)
    assert pool.map(show_environment, ["ODD", "LD_LIBRARY_PATH"]) == [
        (text, here), ("/nowhere", here),
    ]  # fmt: skip


def test_a_folder_that_is_there_is_let_be(commands: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises(FileExistsError, match="resume"):
        pool_of("qmr", commands, tmp_path / "work").map(abs, [1])
    assert not list((tmp_path / "work").iterdir())
    with pytest.raises(GridEngineError, match="no work_dir"):
        pool_of("qmr", commands, tmp_path / "work").resume(str(tmp_path / "work"))


def test_what_others_could_have_written_is_not_unpickled(
    commands: dict[str, str], tmp_path: Path
) -> None:
    pool = pool_of("qmr", commands, tmp_path / "work", keep_work_dir=True)
    pool.map(abs, [1])
    assert (tmp_path / "work").stat().st_mode & 0o077 == 0
    (tmp_path / "work").chmod(0o770)
    with pytest.raises(GridEngineError, match="others could have written"):
        pool.resume(str(tmp_path / "work"))


@pytest.mark.parametrize("kind", ["qmr", "sge"])
def test_the_log_is_json_in_each_line(kind: str, commands: dict[str, str], tmp_path: Path) -> None:
    pool = pool_of(kind, commands, tmp_path / 'a "work"', keep_work_dir=True)
    pool.map(abs, [1])
    lines = (the_folder(tmp_path / 'a "work"') / "log.jsonl").read_text().splitlines()
    keys = "tclm" if kind == "qmr" else "tlmc"
    told = [json.loads(line) for line in lines]
    assert {"".join(each) for each in told} == {keys}
    assert any("1 running" in each["m"] or "0 running" in each["m"] for each in told)


def test_a_command_that_is_missing_or_refuses_is_said_at_once(
    commands: dict[str, str], tmp_path: Path
) -> None:
    missing = {**commands, "qstat_path": str(tmp_path / "none")}
    with pytest.raises(GridEngineError, match="none cannot be run: No such file"):
        pool_of("qmr", missing, tmp_path / "work").map(abs, [1])
    Path(commands["qsub_path"]).write_text("#!/bin/sh\necho no queue of that name >&2; exit 1\n")
    with pytest.raises(GridEngineError, match="qsub: no queue of that name"):
        pool_of("qmr", commands, tmp_path / "other").map(abs, [1])


def test_bad_arguments_say_what_they_take(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mode is 'x'; it takes 'workers' or 'protocol'"):
        qmr.Pool(mode="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="python_path is for mode"):
        qmr.Pool(mode="workers", python_path="/no/such")
    with pytest.raises(ValueError, match="on_error"):
        pypoolparty.slurm.Pool(on_error="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be called"):
        qmr.Pool(work_dir=tmp_path / "work").map(3, [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="chunksize is 0"):
        pypoolparty.sun_grid_engine.Pool().map(abs, [1], chunksize=0)


PROGRAM = """
import pathlib, sys, time
from gridengine.compat import queue_map_reduce as qmr

def work(x):
    here = pathlib.Path({folder!r})
    with open(here / f"begun-{{x}}", "a") as file:
        file.write("x")
    while x and not (here / "go").exists():
        time.sleep(0.02)
    return 10 * x

pool = qmr.Pool(work_dir={work!r}, polling_interval_qstat=0.02, **{commands!r})
pool.map(work, range(4))
"""


@pytest.fixture
def program(commands: dict[str, str], tmp_path: Path) -> Any:
    picked = pick(commands, "qsub", "qstat", "qdel")
    code = PROGRAM.format(folder=str(tmp_path), work=str(tmp_path / "work"), commands=picked)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, start_new_session=True
    )
    begun = [tmp_path / f"begun-{x}" for x in range(4)]
    wait_until(lambda: all(each.exists() for each in begun), what="all have begun")
    # A queue job may begin before the command that submits it has put it there.
    jobs = tmp_path / "commands/jobs"
    wait_until(lambda: len(list(jobs.iterdir())) == 4, what="all are among the queue jobs")
    wait_until((tmp_path / "work/000000000.pkl.out").exists, what="the first is done")
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def test_a_map_outlives_its_program_and_another_one_goes_on_with_it(
    program: subprocess.Popen[bytes], commands: dict[str, str], tmp_path: Path
) -> None:
    program.kill()
    program.wait()
    running = batch_commands.standing(tmp_path / "commands")
    assert len(running) == 3
    # One of them is lost meanwhile.
    batch_commands.kill(running[-1])
    (tmp_path / "go").touch()
    picked = pick(commands, "qsub", "qstat", "qdel")
    pool = qmr.Pool(**QMR, **picked)  # type: ignore[arg-type]
    assert pool.resume(str(tmp_path / "work")) == [0, 10, 20, 30]
    assert [len((tmp_path / f"begun-{x}").read_text()) for x in range(4)] == [1, 1, 1, 2]
    assert not (tmp_path / "work").exists()


def test_ctrl_c_deletes_the_queue_jobs_and_keeps_the_folder(
    program: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    program.send_signal(signal.SIGINT)
    assert program.wait(20) != 0
    wait_until(
        lambda: not batch_commands.standing(tmp_path / "commands"), what="no queue job is left"
    )
    assert (tmp_path / "work/000000000.pkl.out").exists()


def test_by_workers_the_calls_are_our_own(tmp_path: Path) -> None:
    with ProcessScheduler(2):
        pool = qmr.Pool(work_dir=tmp_path / "work", num_chunks=2, mode="workers")
        assert pool.map(lambda x: x + 1, range(4)) == [1, 2, 3, 4]
        assert not (tmp_path / "work").exists()
        with pytest.raises(ZeroDivisionError):
            pool.map(half, [1, 0, 2, 4])
        found = qmr.debug.make_summary(str(tmp_path / "work"))
        assert (found["completed"], len(found["started"])) == ({0, 1}, 2)
        assert b"ZeroDivisionError" in found["stderr"][0]
        none = qmr.Pool(work_dir=tmp_path / "none", mode="workers", on_error="none")
        assert none.map(half, [1, 0]) == [1.0, None]
        ppp = pypoolparty.slurm.array.Pool(work_dir=tmp_path / "ppp", mode="workers")
        assert ppp.starmap(operator.add, [(1, 2)]) == [3]


def test_workers_are_those_of_the_with_that_the_map_is_in(tmp_path: Path) -> None:
    pool = qmr.Pool(work_dir=tmp_path / "work", mode="workers")
    for which in ("one", "two"):
        with ProcessScheduler(1, env={"WHICH": which}):
            assert pool.map(lambda name: os.environ[name], ["WHICH"]) == [which]


def test_small_helpers_are_as_there(tmp_path: Path) -> None:
    assert task_numbers([3, 1, 2, 9, 5, 6]) == "1-3,5-6,9"
    name = qmr.utils.make_JB_name_from_ichunk("now", 12)
    assert name == "qnow#000000012"
    assert qmr.utils.make_ichunk_from_JB_name(name) == 12
    qmr.network_file_system.write("text", str(tmp_path / "a"))
    qmr.network_file_system.copy(str(tmp_path / "a"), str(tmp_path / "b"))
    qmr.network_file_system.move(str(tmp_path / "b"), str(tmp_path / "c"))
    assert qmr.network_file_system.read(str(tmp_path / "c")) == "text"
    assert sorted(os.listdir(tmp_path)) == ["a", "c"]
    logger = log.logger_of(str(tmp_path / "log"))
    logger.warning('a "quote"')
    log.close(logger)
    assert json.loads((tmp_path / "log").read_text())["m"] == 'a "quote"'
    assert pypoolparty.debugging.SerialPool(verbose=False).map(abs, [-1]) == [1]
    harmless = "slurmstepd: error: _get_joules_task: can't get info from slurmd"
    assert pypoolparty.slurm.filter_stderr(f"one\n{harmless}\ntwo\n") == "one\ntwo\n"


def test_tables_of_squeue_are_read_by_their_heads() -> None:
    text = "CLUSTER: one\nA|JOBID|A\nx|7|y\nCLUSTER: two\nJOBID|STATE\n8|RUNNING\n"
    assert queues.table(text) == [{"a": "x", "jobid": "7"}, {"jobid": "8", "state": "RUNNING"}]


def test_a_queue_that_does_not_answer_for_a_moment_is_asked_again(
    commands: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: os.system(f"mv {tmp_path}/q {real}"))
    real = commands["qstat_path"]
    os.rename(real, tmp_path / "q")
    Path(real).write_text("#!/bin/sh\necho the master is gone >&2; exit 1\n")
    Path(real).chmod(0o755)
    logger = log.logger_of(str(tmp_path / "log"))
    queue = queues.GridEngineQueue(
        **pick(commands, "qsub", "qstat", "qdel"), queue_name=None, python_path="python",
        error_state_indicator="E",
    )  # type: ignore[arg-type]  # fmt: skip
    assert queue.look(["x"], logger) == queues.JobsStanding([], [], [])
    log.close(logger)
    assert "the master is gone; tried again" in (tmp_path / "log").read_text()
