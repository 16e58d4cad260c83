"""What is read of the files in which sessions note their queue jobs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gridengine.schedulers.grid_engine.leftovers import GridEngineLeftovers
from gridengine.schedulers.queue_session.leftovers import SessionFile, queue_of
from gridengine.schedulers.slurm.leftovers import SlurmLeftovers
from gridengine.transport.process_identity import ProcessIdentity


def _written(folder: Path, **more: object) -> Path:
    process = ProcessIdentity.of(os.getpid())._asdict()
    noted = {"program": process, "session": process, "driver": "", "queue_jobs": {}, **more}
    path = folder / "session"
    path.write_text(json.dumps(noted))
    path.chmod(0o600)
    return path


def test_a_file_says_of_which_batch_system_it_is_and_an_older_one_is_the_grid_engines(
    tmp_path: Path,
) -> None:
    older = SessionFile.read(_written(tmp_path))
    assert isinstance(queue_of(older), GridEngineLeftovers)
    assert isinstance(
        queue_of(SessionFile.read(_written(tmp_path, system="slurm"))), SlurmLeftovers
    )


@pytest.mark.parametrize("system", ["os:system", 3, None])
def test_of_a_batch_system_that_is_not_known_nothing_is_read(
    tmp_path: Path, system: object
) -> None:
    with pytest.raises(ValueError, match="not known"):
        SessionFile.read(_written(tmp_path, system=system))
