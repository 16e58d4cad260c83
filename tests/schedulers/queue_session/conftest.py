"""A queue that is a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import queue_in_a_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The queue."""
    made = tmp_path / "queue"
    made.mkdir()
    monkeypatch.setenv(queue_in_a_folder.VARIABLE, str(made))
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    return made
