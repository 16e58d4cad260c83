"""PBS by its commands, as they are documented: nobody has had a real one here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.schedulers import Scheduler
from gridengine.schedulers.pbs import PbsScheduler
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
