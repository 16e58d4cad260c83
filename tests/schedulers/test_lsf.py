"""LSF by its commands, as they are documented: nobody has had a real one here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.schedulers import Scheduler
from gridengine.schedulers.lsf import LsfScheduler
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
