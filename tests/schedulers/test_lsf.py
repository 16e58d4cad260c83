"""LSF by its commands, as they are documented: nobody has had a real one here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine.schedulers import Scheduler
from gridengine.schedulers.lsf import LsfScheduler, _status
from gridengine.states import DeathCause
from gridengine.testing import SchedulerContract
from gridengine.testing.fixtures import ContractFixtures
from gridengine.testing.sessions import SessionContract

from . import fakes


@pytest.fixture(scope="module")
def lsf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A LSF of this host; returns the folder of its state."""
    folder = tmp_path_factory.mktemp("lsf")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in fakes.install(folder, "lsf.py", ("bsub", "bjobs", "bkill")).items():
            patch.setenv(name, value)
        yield folder / "state"


class Quick(LsfScheduler):
    polls = (0.05, 0.5)


def made() -> Scheduler:
    return Quick(max_workers=4, queue="normal", walltime="01:00:00", mem="4gb")


@pytest.mark.usefixtures("lsf")
class TestSession(ContractFixtures, SessionContract):
    def make_scheduler(self) -> Scheduler:
        return made()


# All of it knows of LSF no more than of any other batch system of commands.
@pytest.mark.slow
@pytest.mark.usefixtures("lsf")
class TestContract(SchedulerContract):
    def make_scheduler(self) -> Scheduler:
        return made()


@pytest.mark.parametrize(
    ("told", "exitcode", "cause"),
    [
        ({"STAT": "DONE"}, 0, DeathCause.EXITED),
        ({"STAT": "EXIT", "EXIT_CODE": "3"}, 3, DeathCause.EXITED),
        ({"STAT": "EXIT", "EXIT_CODE": "137"}, -9, DeathCause.KILLED),
        (
            {"STAT": "EXIT", "EXIT_CODE": "137", "EXIT_REASON": "TERM_MEMLIMIT: job killed after"},
            -9, DeathCause.OUT_OF_MEMORY,
        ),
        ({"STAT": "EXIT", "EXIT_REASON": "TERM_RUNLIMIT: job"}, None, DeathCause.OVER_TIME),
    ],
)  # fmt: skip
def test_an_end_is_read(told: dict[str, str], exitcode: int | None, cause: object) -> None:
    end = _status({**told, "RUN_TIME": "77 second(s)", "MAX_MEM": "4.9 Mbytes"}).end
    assert (end.exitcode, end.cause, end.wall_time) == (exitcode, cause, 77)
    assert end.peak_memory == int(4.9 * 1024**2)


def test_an_unknown_resource_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no resource 'ngpus': it takes walltime"):
        LsfScheduler(ngpus=1)


def test_what_bsub_refuses_is_what_the_jobs_raise(lsf: Path) -> None:
    with (
        Quick(queue="nosuch") as scheduler,
        pytest.raises(gridengine.SchedulerError, match="No such queue"),
    ):
        gridengine.map(abs, [1], scheduler=scheduler)
