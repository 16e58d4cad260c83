"""``gridengine journal``: what maps have kept, for people and other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gridengine
from gridengine.cli.main import main
from gridengine.schedulers import ProcessScheduler

from .. import targets


@pytest.fixture
def path(laptop: ProcessScheduler, tmp_path: Path) -> Path:
    """A journal with some results of two functions."""
    path = tmp_path / "run.journal"
    gridengine.map(targets.square, range(3), scheduler=laptop, journal=path)
    gridengine.map(abs, [-1.5, "no"], scheduler=laptop, journal=path, reraise=False)
    return path


def test_it_lists_functions(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "ls", str(path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[3::2] == ["3", "square"]
    assert second.split()[3::2] == ["1", "abs"]


def test_it_shows_and_exports_results(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "show", str(path), "square"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == [f"square  {x}  {x * x}" for x in range(3)]
    assert main(["journal", "export", str(path)]) == 0
    exported = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["value"] for line in exported) == [0, 1, 1.5, 4]


def test_it_says_what_is_not_there(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "show", str(path), "cube"]) == 1
    assert "nothing of cube, but of abs, square" in capsys.readouterr().err
    assert main(["journal", "ls", str(path.parent / "other")]) == 1
    assert "there is no journal" in capsys.readouterr().err
