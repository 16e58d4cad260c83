"""A Slurm without a Slurm: commands that do nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridengine.schedulers.slurm.batch_system.slurm_system import SlurmSystem

from . import fake_slurm
from .fake_slurm import FakeSlurm


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A Slurm whose commands answer, and take one array."""
    return fake_slurm.installed(tmp_path, monkeypatch)


@pytest.fixture
def system(fake: FakeSlurm) -> SlurmSystem:  # it is asked
    """The batch system, connected."""
    made = SlurmSystem()
    assert made.open("") == ("Slurm 22.05.8 (cluster tests)", "tests")
    return made
