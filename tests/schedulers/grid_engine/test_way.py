"""By what a Grid Engine is used, as far as that can be told without trying."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridengine.errors import GridEngineError, SchedulerUnavailable
from gridengine.schedulers import GridEngineScheduler
from gridengine.schedulers.grid_engine import drmaa_library, way


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Grid Engine with commands in its root, and no library."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("SGE_ROOT", str(tmp_path))
    monkeypatch.delenv("SGE_CELL", raising=False)
    monkeypatch.delenv("GRIDENGINE_THROUGH", raising=False)
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", str(tmp_path / "libdrmaa.so"))
    command = tmp_path / "bin" / "lx-amd64" / "qsub"
    command.parent.mkdir(parents=True)
    command.touch(mode=0o755)
    (tmp_path / "default" / "common").mkdir(parents=True)
    (tmp_path / "default" / "common" / "act_qmaster").touch()
    return tmp_path


def test_without_a_library_the_commands_are_used(root: Path) -> None:
    assert "commands" == way.chosen("auto") == way.chosen("commands")
    assert str(root) == way.environment("commands")["SGE_ROOT"]
    with pytest.raises(SchedulerUnavailable, match=r"libdrmaa\.so does not exist"):
        way.chosen("drmaa")


def test_a_library_is_used_before_the_commands(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drmaa_library, "problem", lambda _: None)
    assert "drmaa" == way.chosen("auto") == way.chosen("drmaa")
    assert "commands" == way.chosen("commands")


@pytest.mark.parametrize("lost", ["bin/lx-amd64/qsub", "default/common/act_qmaster"])
def test_what_the_commands_lack_is_named(root: Path, lost: str) -> None:
    (root / lost).unlink()
    with pytest.raises(SchedulerUnavailable, match=rf"does not exist; .*{Path(lost).name}"):
        way.chosen("auto")


def test_the_root_is_found_by_the_commands(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SGE_ROOT")
    monkeypatch.setenv("PATH", str(root / "bin" / "lx-amd64"))
    assert str(root) == way.environment("commands")["SGE_ROOT"]


def test_a_scheduler_says_what_it_takes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_THROUGH", "commands")
    assert "commands" == GridEngineScheduler().through
    assert "drmaa" == GridEngineScheduler(through="drmaa").through
    assert "through='drmaa'" in repr(GridEngineScheduler(through="drmaa"))
    with pytest.raises(ValueError, match="through is 'qsub'; it takes 'drmaa', 'commands'"):
        GridEngineScheduler(through="qsub")
    with pytest.raises(TypeError, match="through is 1"):
        GridEngineScheduler(through=1)  # type: ignore[arg-type]
    monkeypatch.setenv("GRIDENGINE_THROUGH", "qsub")
    with pytest.raises(GridEngineError, match="auto or drmaa or commands"):
        GridEngineScheduler()
