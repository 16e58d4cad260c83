"""GridMap's names, signatures, settings and small functions, and its local mode."""

from __future__ import annotations

import functools
import inspect
import os
import pickle
import runpy
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.compat import gridmap
from gridengine.compat.gridmap import (
    DRMAANotPresentException,
    Job,
    conf,
    data,
    grid_map,
    process_jobs,
    runner,
)
from gridengine.compat.gridmap.job_environment import own_variables
from gridengine.compat.gridmap.requests import requests_of
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler

from . import gridmap_targets as targets

#: The names of GridMap 0.15.
EXPORTED = """
    Job JobException process_jobs grid_map DRMAANotPresentException CHECK_FREQUENCY CREATE_PLOTS
    DEFAULT_QUEUE ERROR_MAIL_RECIPIENT ERROR_MAIL_SENDER HEARTBEAT_FREQUENCY IDLE_THRESHOLD
    MAX_IDLE_HEARTBEATS MAX_TIME_BETWEEN_HEARTBEATS NUM_RESUBMITS SEND_ERROR_MAIL SMTP_SERVER
    USE_MEM_FREE DEFAULT_TEMP_DIR
""".split()  # noqa: SIM905  # a table is easier to read than a list of quotes

#: Its parameters with their defaults.
SIGNATURES: dict[Any, dict[str, Any]] = {
    Job: {
        "f": inspect.Parameter.empty, "args": inspect.Parameter.empty, "kwlist": None,
        "cleanup": True, "mem_free": "1G", "name": "gridmap_job", "num_slots": 1,
        "queue": "all.q", "interpreting_shell": None, "copy_env": True, "add_env": None,
        "project": None, "validation_level": None, "os_distribution": None, "os_minor": None,
        "par_env": "smp", "gpu": 0, "h_vmem": None, "h_rt": None, "resources": None,
    },
    process_jobs: {
        "jobs": inspect.Parameter.empty, "temp_dir": "/scratch/", "white_list": None,
        "quiet": True, "max_processes": 1, "local": False, "require_cluster": False,
    },
    grid_map: {
        "f": inspect.Parameter.empty, "args_list": inspect.Parameter.empty, "cleanup": True,
        "mem_free": "1G", "name": "gridmap_job", "num_slots": 1, "temp_dir": "/scratch/",
        "white_list": None, "queue": "all.q", "quiet": True, "local": False, "max_processes": 1,
        "interpreting_shell": None, "copy_env": True, "add_env": None, "project": None,
        "validation_level": None, "os_distribution": None, "os_minor": None, "gpu": 0,
        "h_vmem": None, "h_rt": None, "resources": None, "completion_mail": False,
        "require_cluster": False, "par_env": "smp",
    },
}  # fmt: skip

ATTRIBUTES = """
    function args id kwlist cleanup ret traceback num_slots mem_free white_list path uniq_id name
    queue environment working_dir cause_of_death num_resubmits home_address log_stderr_fn
    log_stdout_fn timestamp host_name heart_beat track_mem track_cpu interpreting_shell copy_env
    add_env project validation_level os_distribution os_minor par_env gpu h_vmem h_rt resources
""".split()  # noqa: SIM905

CONSTANTS = {
    "USE_MEM_FREE": False, "DEFAULT_QUEUE": "all.q", "DEFAULT_TEMP_DIR": "/scratch/",
    "DEFAULT_PAR_ENV": "smp", "HEARTBEAT_FREQUENCY": 10, "MAX_TIME_BETWEEN_HEARTBEATS": 90,
    "MAX_IDLE_HEARTBEATS": 3, "IDLE_THRESHOLD": 1.0, "NUM_RESUBMITS": 3, "CHECK_FREQUENCY": 15,
    "SEND_ERROR_MAIL": False, "ERROR_MAIL_SENDER": "error@gridmap.py",
}  # fmt: skip


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize("name", EXPORTED)
def test_every_name_of_gridmap_is_there(name: str) -> None:
    assert hasattr(gridmap, name)
    assert sorted(gridmap.__all__) == sorted(EXPORTED)


def test_the_version_is_that_of_gridmap() -> None:
    assert gridmap.VERSION == (0, 15, 0)
    assert gridmap.__version__ == gridmap.version.__version__ == "0.15.0"


@pytest.mark.parametrize("call", SIGNATURES, ids=lambda call: call.__name__)
def test_parameters_and_defaults_are_those_of_gridmap(call: Any) -> None:
    parameters = inspect.signature(call).parameters.values()
    positional = {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
    assert list(positional.items()) == list(SIGNATURES[call].items())


def test_jobs_have_gridmaps_attributes_and_no_others() -> None:
    job = Job(abs, [1])
    assert sorted(Job.__slots__) == sorted(ATTRIBUTES)
    with pytest.raises(AttributeError):
        job.other = 1  # type: ignore[attr-defined]
    for name in ("uniq_id", "add_env"):
        with pytest.raises(AttributeError):
            getattr(job, name)


def test_a_new_job_has_not_run() -> None:
    job = Job(targets.give, [1], name="a b  c")
    assert (job.name, job.id, job.cause_of_death, job.num_resubmits) == ("a_b__c", -1, "", 0)
    assert (job.traceback, job.timestamp, job.heart_beat, job.host_name) == (None, None, None, "")
    assert (job.track_mem, job.track_cpu, job.kwlist) == ([], [], {})
    assert isinstance(job.ret, str)
    assert job.working_dir == os.getcwd()
    assert job.path == str(Path(targets.__file__).parent)
    assert Job(functools.partial(abs), [1]).path is None


@pytest.mark.parametrize("level", [None, "", "e", "w", "n", "p", "v"])
def test_validation_levels_are_those_of_qsub(level: Any) -> None:
    assert Job(abs, [1], validation_level=level).validation_level == level
    with pytest.raises(ValueError, match="validation_level"):
        Job(abs, [1], validation_level="x")


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (lambda: Job(abs, 1), TypeError, r"list of arguments: \[1\]"),  # type: ignore[arg-type]
        (lambda: Job(1, [1]), TypeError, "cannot be called"),  # type: ignore[arg-type]
        (lambda: Job(abs, [1], [("x", 1)]), TypeError, "kwlist"),  # type: ignore[arg-type]
        (lambda: Job(abs, [1], num_slots=0), ValueError, "num_slots"),
        (lambda: process_jobs(Job(abs, [1])), TypeError, "a list of jobs"),  # type: ignore[arg-type]
        (lambda: process_jobs([abs]), TypeError, "number 0"),  # type: ignore[list-item]
        (lambda: grid_map(abs, [1], max_processes=0, local=True), ValueError, "max_processes"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_told(wrong: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        wrong()


# ---------------------------------------------------------------------- what jobs ask for


def everything(**more: Any) -> Job:
    job = Job(
        abs, [1], num_slots=4, queue="short.q", interpreting_shell="/bin/zsh", project="astro",
        validation_level="w", os_distribution="debian", os_minor="12", gpu=2, h_vmem="2G",
        h_rt="01:00:00", resources=["tmpfs=10G", "avx2"], par_env="mpi", **more,
    )  # fmt: skip
    job.white_list = ["all.q@node1", "node2"]
    return job


def test_the_native_specification_has_gridmaps_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Job(abs, [1]).native_specification == "-shell yes -b yes -q all.q"
    assert Job(abs, [1], queue=None).native_specification == "-shell yes -b yes"
    monkeypatch.setattr(conf, "USE_MEM_FREE", True)
    assert everything().native_specification == (
        "-shell yes -S /bin/zsh -b yes -l mem_free=1G -pe mpi 4 -l h=all.q@node1|node2 "
        "-q short.q -P astro -w w -l os_distribution=debian -l os_minor=12 -l gpu=2 "
        "-l h_vmem=2G -l h_rt=01:00:00 -l tmpfs=10G -l avx2"
    )


def test_the_grid_engine_is_asked_for_all_but_a_shell(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conf, "USE_MEM_FREE", True)
    scheduler = GridEngineScheduler(native="-p -5")
    asked = requests_of(everything(), scheduler)
    assert asked == {
        "slots": 4, "parallel_environment": "mpi", "queue": "short.q", "project": "astro",
        "hosts": ["node1", "node2"], "gpu": 2, "mem_free": "1G", "h_vmem": "2G",
        "h_rt": "01:00:00", "os_distribution": "debian", "os_minor": "12", "tmpfs": "10G",
        "avx2": True, "native": "-p -5 -w w",
    }  # fmt: skip
    assert "interpreting_shell" in caplog.text
    scheduler.resources_of(asked)


def test_free_requests_are_names_and_values_or_left_as_they_are() -> None:
    def asked(*resources: str) -> dict[str, object]:
        return requests_of(Job(abs, [1], queue=None, resources=resources), GridEngineScheduler())

    assert asked("a=1,b=2", "c") == {"a": "1", "b": "2", "c": True}
    assert asked("arch=lx*|sol*") == {"native": "-l arch=lx*|sol*"}
    assert asked() == {}


def test_gridmaps_own_default_is_no_queue_where_the_scheduler_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job(abs, [1])
    assert requests_of(job, GridEngineScheduler()) == {"queue": "all.q"}
    assert requests_of(job, GridEngineScheduler(queue="long.q")) == {}
    monkeypatch.setattr(conf, "_said", {"DEFAULT_QUEUE"})
    assert requests_of(job, GridEngineScheduler(queue="long.q")) == {"queue": "all.q"}


def test_other_batch_systems_are_asked_for_what_they_have(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm: Any = type("SlurmScheduler", (GridEngineScheduler,), {})()
    assert requests_of(Job(abs, [1]), slurm) == {}
    asked = requests_of(everything(), slurm)
    assert str(asked.pop("time")) == "1:00:00"
    assert asked == {
        "slots": 4, "partition": "short.q", "account": "astro", "hosts": ["node1", "node2"],
        "gpus": 2, "mem_per_cpu": "2G",
    }  # fmt: skip
    assert "os_distribution='debian'" in caplog.text
    other: Any = type("OtherScheduler", (GridEngineScheduler,), {})()
    assert requests_of(everything(), other) == {}
    assert "OtherScheduler has nothing for num_slots=4" in caplog.text
    assert requests_of(everything(), ProcessScheduler(1)) == {}


def test_the_environment_of_a_job_is_bytes_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEN", "1")
    added = {"OWN": "x"}
    job, bare = Job(abs, [1], add_env=added), Job(abs, [1], copy_env=False, add_env=added)
    assert (job.environment[b"OWN"], job.environment[b"THEN"]) == (b"x", b"1")
    assert bare.environment == {b"OWN": b"x"}
    assert added == {"OWN": "x"}
    assert own_variables(job.environment, True) == {"OWN": "x"}
    monkeypatch.setenv("THEN", "2")
    monkeypatch.setenv("NOW", "3")
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert own_variables(job.environment, True) == {"OWN": "x", "THEN": "1", "NOW": None}
    job.environment[b"BAD"] = b"\xff"
    assert "BAD" not in own_variables(job.environment, True)
    again = pickle.loads(pickle.dumps(job))
    assert (again.environment, again.environment.added) == (job.environment, {b"OWN"})


# ---------------------------------------------------------------------- settings


def constants(monkeypatch: pytest.MonkeyPatch, **said: str) -> dict[str, Any]:
    """Returns the constants that there are with some variables."""
    for name in (*CONSTANTS, "SMTP_SERVER", "ERROR_MAIL_RECIPIENT", "CREATE_PLOTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(conf.__file__)


def test_the_constants_have_gridmaps_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    got = constants(monkeypatch)
    assert {name: got[name] for name in CONSTANTS} == CONSTANTS
    labels = socket.gethostname().split(".")
    assert got["SMTP_SERVER"] == ".".join(labels[-3:])
    assert got["ERROR_MAIL_RECIPIENT"].endswith("@" + ".".join(labels[-2:]))


def test_variables_say_the_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "NUM_RESUBMITS": "7",
        "IDLE_THRESHOLD": "2.5",
        "DEFAULT_QUEUE": "q",
        "USE_MEM_FREE": "true",
    }
    got = constants(monkeypatch, **said)
    assert (got["NUM_RESUBMITS"], got["IDLE_THRESHOLD"]) == (7, 2.5)
    assert (got["DEFAULT_QUEUE"], got["USE_MEM_FREE"]) == ("q", True)
    assert got["is_said"]("NUM_RESUBMITS")
    assert not got["is_said"]("CHECK_FREQUENCY")


@pytest.mark.parametrize("text", ["1", "yes", "on", ""])
def test_only_true_is_true(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert constants(monkeypatch, CREATE_PLOTS=text)["CREATE_PLOTS"] is False


def test_the_variables_of_older_versions_are_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"GRID_MAP_DEFAULT_QUEUE": "old.q", "GRID_MAP_USE_MEM_FREE": "True"}
    got = constants(monkeypatch, **old)
    assert (got["DEFAULT_QUEUE"], got["USE_MEM_FREE"]) == ("old.q", True)
    assert constants(monkeypatch, DEFAULT_QUEUE="new.q")["DEFAULT_QUEUE"] == "new.q"


def test_what_is_to_be_a_number_and_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="NUM_RESUBMITS is 'three'; gridmap takes a whole number"):
        constants(monkeypatch, NUM_RESUBMITS="three")


@pytest.mark.parametrize("said", [{"SMTP_SERVER": "mail"}, {"ERROR_MAIL_RECIPIENT": "me"}])
def test_mails_are_on_where_somebody_says_to_whom_or_how(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str]
) -> None:
    assert constants(monkeypatch, **said)["SEND_ERROR_MAIL"] is True
    assert constants(monkeypatch, SEND_ERROR_MAIL="FALSE", **said)["SEND_ERROR_MAIL"] is False


def test_a_constant_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NO_SUCH"):
        conf.NO_SUCH  # type: ignore[attr-defined]


# ---------------------------------------------------------------------- in this process


def test_local_jobs_run_here_one_after_the_other() -> None:
    targets.called.clear()
    assert grid_map(targets.note, [(1, 2), 3], local=True) == [os.getpid()] * 2
    assert targets.called == [(1, 2), 3]
    lock = threading.Lock()
    assert grid_map(lambda: lock, [[]], local=True) == [lock]


def test_a_local_exception_is_raised_as_it_is_and_ends_the_others() -> None:
    targets.called.clear()
    error = ValueError("mine")
    jobs = [
        Job(targets.give, [1]),
        Job(lambda: (_ for _ in ()).throw(error), []),
        Job(targets.note, [1]),
    ]
    with pytest.raises(ValueError, match="mine") as caught:
        process_jobs(jobs, local=True)
    assert caught.value is error is jobs[1].ret
    assert jobs[1].cause_of_death == "exception"
    assert "mine" in str(jobs[1].traceback)
    assert (jobs[0].ret, targets.called) == (1, [])


def test_local_exceptions_stand_in_the_list_without_reraise() -> None:
    got = grid_map(targets.fail_at, [[1, 1], [2, 1]], local=True, reraise=False)
    assert [gridengine.raised(each) for each in got] == [True, False]


def test_several_local_processes_run_any_function_and_tell_where_it_failed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pids = grid_map(lambda _: os.getpid(), range(4), local=True, max_processes=2)
    assert os.getpid() not in pids
    job = Job(targets.speak, ["x", True])
    with pytest.raises(ValueError, match="x"):
        process_jobs([job], local=True, max_processes=2)
    assert "speak" in str(job.traceback)
    # There is no file of it.
    assert "out x" in capfd.readouterr().out
    assert job.log_stdout_fn == ""


def test_where_no_cluster_answers_jobs_run_here_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        "gridengine.compat.gridmap.cluster.best_available", lambda: ProcessScheduler(1)
    )
    monkeypatch.setattr("gridengine.compat.gridmap.processing._told", [])
    monkeypatch.delenv("GRIDENGINE_SCHEDULER", raising=False)
    assert not conf.DRMAA_PRESENT
    for _ in range(2):
        assert grid_map(targets.note, [1]) == [os.getpid()]
    assert caplog.text.count("there is no cluster here") == 1
    with pytest.raises(DRMAANotPresentException):
        grid_map(targets.note, [1], require_cluster=True)


def test_execute_says_what_came() -> None:
    good, bad = Job(targets.give, [1]), Job(targets.fail_at, [1], {"bad": 1})
    assert good.execute() is bad.execute() is None
    assert (good.ret, good.traceback) == (1, None)
    assert isinstance(bad.ret, ZeroDivisionError)
    assert "fail_at" in str(bad.traceback)


# ---------------------------------------------------------------------- small functions


def test_objects_are_packed_and_come_back() -> None:
    step = 3
    assert data.zloads(data.zdumps([1, "a"])) == [1, "a"]
    assert data.zloads(data.zdumps(lambda x: x + step))(1) == 4
    assert len(data.zdumps(bytes(10**6))) < 1000
    with pytest.raises(gridengine.PackingError):
        data.zdumps(threading.Lock())


def test_the_use_of_a_process_and_its_children_is_told() -> None:
    own = os.getpid()
    burn = "print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            alone, both = (runner.get_memory_usage(own, each) for each in (child.pid, -1))
            assert 1 < alone < both
            load, running = runner.get_cpu_load(child.pid, -1)
            assert load > 1
            assert running
            status = runner.get_job_status(child.pid, -1)
            assert status.keys() == {"memory", "cpu_load"}
        finally:
            child.kill()
    assert runner.get_job_status(-1, 1) == {}
    assert runner.get_memory_usage(child.pid, -1) == 0
