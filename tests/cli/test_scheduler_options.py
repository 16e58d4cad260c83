"""``--queue`` and ``--resources`` without ``--scheduler``: which scheduler they are for."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from gridengine.cli import main as cli
from gridengine.cli import scheduler_options
from gridengine.errors import GridEngineError
from gridengine.schedulers.grid_engine import way
from gridengine.schedulers.slurm import presence


@pytest.fixture(autouse=True)
def slurm_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm's commands alone are here, and no settings file."""
    monkeypatch.setattr(presence, "missing", lambda _: None)
    monkeypatch.setattr(way, "problem", lambda _: "there is none")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("GRIDENGINE_SCHEDULER", raising=False)


def variables(*words: str) -> dict[str, str]:
    parser = argparse.ArgumentParser()
    scheduler_options.add_to(parser)
    parser.set_defaults(parser=parser)
    return scheduler_options.variables(parser.parse_args(words))


@pytest.mark.parametrize("name", ["pbs", "grid_engine"])
def test_the_variable_says_whose_queue_is_meant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", name)
    said = variables("--queue", "debug")
    assert said["GRIDENGINE_SCHEDULER"] == name
    assert json.loads(said["GRIDENGINE_ARGUMENTS"]) == {name: {"queue": "debug"}}


def test_a_settings_file_says_it_too_and_an_option_before_both(tmp_path: Path) -> None:
    (tmp_path / "gridengine.toml").write_text('scheduler = "grid_engine"\n', encoding="utf-8")
    assert variables("--queue", "debug")["GRIDENGINE_SCHEDULER"] == "grid_engine"
    said = variables("--queue", "debug", "--scheduler", "slurm")
    assert json.loads(said["GRIDENGINE_ARGUMENTS"]) == {"slurm": {"partition": "debug"}}


def test_where_nothing_says_it_the_cluster_that_is_here_is_meant() -> None:
    said = variables("--queue", "debug")
    assert said["GRIDENGINE_SCHEDULER"] == "slurm"
    assert "GRIDENGINE_SCHEDULER" not in variables("--workers", "2")


@pytest.mark.parametrize("name", ["process", "inline"])
def test_a_queue_where_no_cluster_is_meant_is_an_error(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", name)
    with pytest.raises(SystemExit):
        variables("--queue", "debug")
    assert f"not for {name!r} (GRIDENGINE_SCHEDULER={name};" in capsys.readouterr().err
    assert cli.main(["doctor", "--queue", "debug"]) == 1
    assert f"not with {name} (GRIDENGINE_SCHEDULER={name})" in capsys.readouterr().err


def test_a_variable_that_names_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_SCHEDULER", "moab")
    with pytest.raises(GridEngineError, match="moab"):
        variables("--queue", "debug")
