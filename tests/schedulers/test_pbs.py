"""PBS by its commands, as they are documented: nobody has had a real one here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine.schedulers import Scheduler
from gridengine.schedulers.command_scheduler import Phase
from gridengine.schedulers.pbs import PbsScheduler, _requests, _status
from gridengine.states import DeathCause
from gridengine.testing import SchedulerContract
from gridengine.testing.fixtures import ContractFixtures
from gridengine.testing.sessions import SessionContract

from . import fakes


@pytest.fixture(scope="module")
def pbs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PBS of this host; returns the folder of its state."""
    folder = tmp_path_factory.mktemp("pbs")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in fakes.install(folder, "pbs.py", ("qsub", "qstat", "qdel")).items():
            patch.setenv(name, value)
        yield folder / "state"


class Quick(PbsScheduler):
    polls = (0.05, 0.5)


def made() -> Scheduler:
    return Quick(max_workers=4, queue="workq", walltime="01:00:00", mem="4gb")


@pytest.mark.usefixtures("pbs")
class TestSession(ContractFixtures, SessionContract):
    def make_scheduler(self) -> Scheduler:
        return made()


# All of it knows of PBS no more than of any other batch system of commands.
@pytest.mark.slow
@pytest.mark.usefixtures("pbs")
class TestContract(SchedulerContract):
    def make_scheduler(self) -> Scheduler:
        return made()


@pytest.mark.parametrize(
    ("status", "exitcode", "cause"),
    [
        (0, 0, DeathCause.EXITED),
        (3, 3, DeathCause.EXITED),
        (271, -15, DeathCause.KILLED),
        (137, -9, DeathCause.KILLED),
        (-27, None, DeathCause.OUT_OF_MEMORY),
        (-29, None, DeathCause.OVER_TIME),
        (None, None, DeathCause.UNKNOWN),
    ],
)
def test_an_exit_status_is_read(status: int | None, exitcode: int | None, cause: object) -> None:
    told = {"job_state": "F", "resources_used": {"mem": "5008kb", "walltime": "00:01:17"}}
    end = _status({**told, **({} if status is None else {"Exit_status": status})}).end
    assert (end.exitcode, end.cause) == (exitcode, cause)
    assert (end.peak_memory, end.wall_time) == (5008 * 1024, 77)


def test_a_job_that_is_held_is_stuck_with_the_comment() -> None:
    found = _status({"job_state": "H", "comment": "job held, too many failed attempts to run"})
    assert (found.phase, found.reason) == (Phase.STUCK, "job held, too many failed attempts to run")


def test_requests_become_options() -> None:
    scheduler = PbsScheduler(slots=2, mem_per_slot="2gb", walltime=600, ngpus=1, place="scatter")
    assert _requests(scheduler.resources, 2) == [
        "-l", "select=1:ncpus=2:mem=4194304kb:ngpus=1",
        "-l", "walltime=00:10:00", "-l", "place=scatter",
    ]  # fmt: skip
    assert scheduler.memory_of({}) == 2 * 1024**3


def test_times_of_the_job_are_options_of_their_own() -> None:
    scheduler = PbsScheduler(cput="01:00:00", place="scatter:excl")
    assert _requests(scheduler.resources, 1) == [
        "-l", "select=1:ncpus=1", "-l", "cput=01:00:00", "-l", "place=scatter:excl",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"walltime": "soon"}, {"mem": "4"}, {"ngpus": "1:x=2"}, {"mem": 1, "mem_per_slot": 1},
        {"ngpus": "1+1"}, {"a b:c": "1"}, {"cput": "1,mem=2"}, {"ncpus": 4}, {"memory": "4gb"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_said(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PbsScheduler(**wrong)


def test_what_qsub_refuses_is_what_the_jobs_raise(pbs: Path) -> None:
    with (
        Quick(queue="nosuch") as scheduler,
        pytest.raises(gridengine.SchedulerError, match="qsub: Unknown queue"),
    ):
        gridengine.map(abs, [1], scheduler=scheduler)


def test_ends_are_known_where_pbs_keeps_no_history(pbs: Path) -> None:
    (pbs / "no-history").touch()
    try:
        with Quick(max_workers=1) as scheduler:
            job = gridengine.Job(target=os.getppid, scheduler=scheduler)
            job.start()
            supervisor = job.result
        with pytest.raises(ProcessLookupError):
            os.kill(supervisor, 0)
    finally:
        (pbs / "no-history").unlink()


def test_without_its_commands_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(gridengine.errors.SchedulerUnavailable, match="no qsub and no qstat"):
        PbsScheduler().open()
