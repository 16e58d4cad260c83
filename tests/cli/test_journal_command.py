"""``gridengine journal``: what maps have kept, for people and other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gridengine
from gridengine.cli.main import main
from gridengine.client.journal import file
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


@pytest.mark.parametrize("what", ["ls", "show", "export"])
def test_a_journal_whose_first_calls_run_has_no_results_yet(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = file.JournalFile(str(tmp_path / "run.journal"))
    try:
        for _ in range(2):
            assert main(["journal", what, journal.path, *(["abs"] if what == "show" else [])]) == 0
            output = capsys.readouterr()
            assert output.out == ""
            assert output.err == f"there are no results in {journal.path} yet\n"
            # Nor with the tables that the first that is written makes.
            with journal.connection():
                pass
    finally:
        journal.close()


def test_what_has_something_else_in_it_is_no_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("mine")
    assert main(["journal", "ls", str(tmp_path / "text")]) == 1
    assert "is no journal (file is not a database)" in capsys.readouterr().err
