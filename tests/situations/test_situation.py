"""The runner of situations itself: what does not come out as said, or is left behind, fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from .situation import Situation, SituationError


def _situation(folder: Path, docstring: str, body: str = "") -> Situation:
    path = folder / "cores" / "program.py"
    path.parent.mkdir()
    path.write_text(f'"""{docstring}"""\n\n{body}\n')
    return Situation.read(path)


def test_what_is_written_and_the_exit_status_are_compared(tmp_path: Path) -> None:
    said = "A program.\n\nOn: cores\n\n$ python program.py\nhere ... there\n[status 3]\n$ true\n"
    situation = _situation(tmp_path, said, "print('here or there')\nraise SystemExit(3)")
    assert situation.on == ["cores"]
    situation.run({})


@pytest.mark.parametrize("expected", ["something else", "", "right\n[status 1]"])
def test_another_output_fails(tmp_path: Path, expected: str) -> None:
    situation = _situation(
        tmp_path, f"A program.\n\n$ python program.py\n{expected}\n", "print('right')"
    )
    with pytest.raises(SituationError, match=r"program\.py"):
        situation.run({})


def test_a_file_of_ours_that_is_left_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.situations.situation._PATIENCE", 0.1)
    situation = _situation(
        tmp_path, "A program.\n\n$ mkdir ~/.gridengine; touch ~/.gridengine/key\n"
    )
    with pytest.raises(SituationError, match="gridengine/key"):
        situation.run({})


def test_a_process_that_is_left_fails_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.situations.situation._PATIENCE", 0.1)
    situation = _situation(tmp_path, "A program.\n\n$ setsid sleep 1000 & exit 0\n")
    with pytest.raises(SituationError, match="sleep 1000"):
        situation.run({})


def test_one_that_hangs_is_ended_and_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.situations.situation.QUICK", 0.5)
    situation = _situation(tmp_path, "A program.\n\n$ echo so far; sleep 1000\n")
    with pytest.raises(SituationError, match="so far"):
        situation.run({})


@pytest.mark.parametrize("docstring", ["Nothing is run.", "A program.\n\nOn: moon\n\n$ true\n"])
def test_a_file_that_says_nothing_of_use_is_refused(tmp_path: Path, docstring: str) -> None:
    with pytest.raises(ValueError, match=r"program\.py"):
        _situation(tmp_path, docstring)
