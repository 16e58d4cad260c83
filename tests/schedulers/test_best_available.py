"""Which scheduler a program gets that names none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine import schedulers
from gridengine.errors import SchedulerUnavailable
from gridengine.schedulers import ProcessScheduler, best_available, choice
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler

from .conftest import StandIn


@pytest.fixture(autouse=True)
def undecided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing has been chosen before, nor is after."""
    monkeypatch.delenv("GRIDENGINE_SCHEDULER", raising=False)
    monkeypatch.setattr(choice, "_best", None)
    return


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Grid Engine is here."""
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("SGE_ROOT", raising=False)


@pytest.mark.usefixtures("stand_in")
def test_a_grid_engine_that_answers_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gridengine.schedulers")
    assert isinstance(best_available(), GridEngineScheduler)
    assert "workers are queue jobs of SGE 0, whose master answers" in caplog.text


def test_processes_are_taken_if_the_master_is_away(
    stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gridengine.schedulers")
    stand_in.trouble(down=True)
    assert isinstance(best_available(), ProcessScheduler)
    assert "unable to send message to qmaster" in caplog.text


def test_processes_are_taken_on_a_host_that_may_not_submit(
    stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gridengine.schedulers")
    stand_in.trouble(deny='denied: host "node1" is not a submit host')
    assert isinstance(best_available(), ProcessScheduler)
    assert 'denied: host "node1" is not a submit host' in caplog.text


def test_what_a_site_denies_to_one_without_a_request_is_for_the_first_map_to_say(
    stand_in: StandIn,
) -> None:
    stand_in.trouble(deny="job rejected: no project was given")
    assert isinstance(best_available(), GridEngineScheduler)


@pytest.mark.usefixtures("stand_in")
def test_in_a_job_processes_are_taken_as_many_as_it_was_granted_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "gridengine")
    monkeypatch.setenv("GRIDENGINE_GRANTED", "1:1.1:")
    scheduler = best_available()
    assert isinstance(scheduler, ProcessScheduler)
    assert scheduler.max_workers == 1


@pytest.mark.usefixtures("no_library")
def test_in_a_queue_job_they_are_as_many_as_it_has_slots_on_this_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    assert ProcessScheduler().max_workers == 16
    # Somebody's variable, and no queue job.
    monkeypatch.setenv("NSLOTS", "6")
    assert ProcessScheduler().max_workers == 16
    monkeypatch.setenv("JOB_ID", "17")
    assert ProcessScheduler().max_workers == 6
    hosts = tmp_path / "pe_hostfile"
    name = os.uname().nodename
    hosts.write_text(f"{name} 2 all.q@{name} UNDEFINED\nelsewhere 4 all.q@elsewhere UNDEFINED\n")
    monkeypatch.setenv("PE_HOSTFILE", str(hosts))
    assert ProcessScheduler().max_workers == 2
    assert ProcessScheduler(5).max_workers == 5


@pytest.mark.usefixtures("no_library")
def test_processes_are_taken_without_a_library(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gridengine.schedulers")
    assert isinstance(best_available(), ProcessScheduler)
    assert "DRMAA_LIBRARY_PATH=/nowhere/libdrmaa.so does not exist" in caplog.text


@pytest.mark.usefixtures("no_library")
def test_it_is_the_same_until_it_is_closed() -> None:
    first = best_available()
    assert best_available() is first
    first.close()
    assert best_available() is not first


@pytest.mark.usefixtures("stand_in")
def test_the_variable_decides_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "process")
    assert isinstance(best_available(), ProcessScheduler)


@pytest.mark.usefixtures("no_library")
def test_the_variable_decides_for_the_grid_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "gridengine")
    with pytest.raises(SchedulerUnavailable, match="does not exist"):
        best_available()


def test_another_value_of_the_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "moab")
    with pytest.raises(ValueError, match="GRIDENGINE_SCHEDULER='moab'"):
        best_available()


def test_the_import_needs_neither_drmaa_nor_what_only_it_needs() -> None:
    program = (
        "import sys; sys.modules['drmaa'] = None; import gridengine.schedulers as s; "
        "print('gridengine.schedulers.grid_engine.scheduler' in sys.modules, "
        "s.GridEngineScheduler.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "False GridEngineScheduler\n" == done.stdout, done.stderr


def test_there_are_no_other_names() -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        schedulers.Nonsense  # type: ignore[attr-defined]
    assert set(schedulers.__all__) <= set(dir(schedulers))
