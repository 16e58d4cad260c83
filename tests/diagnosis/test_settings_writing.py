"""What has worked is added to a settings file, and what stands there is kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import gridengine
from gridengine.diagnosis.settings_writing import merge, write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WORKED = {
    "scheduler": "grid_engine",
    "ports": "54000-54100",
    "grid_engine": {"queue": "short.q", "hosts": ["a", "b"], "slots": 2},
}


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "config" / "gridengine" / "gridengine.toml"
    said = write(str(path), WORKED)
    assert tomllib.loads(path.read_text()) == WORKED
    assert 'ports = "54000-54100"' in said
    assert path.stat().st_mode & 0o777 == 0o600


def test_by_default_it_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    write("", WORKED)
    assert tomllib.loads((tmp_path / "gridengine" / "gridengine.toml").read_text()) == WORKED


def test_comments_and_values_that_are_there_stay() -> None:
    text = (
        '# mine\nlinger = 2.0  # short\nports = "1000-1100"\n\n'
        '[grid_engine]  # where\nqueue = "long.q"\n\n[process]\nmax_workers = 4\n'
    )
    made, added, kept = merge(text, WORKED, "file")
    for line in text.splitlines():
        assert line in made.splitlines()
    read = tomllib.loads(made)
    assert read["ports"] == "1000-1100"
    assert read["scheduler"] == "grid_engine"
    assert read["grid_engine"] == {"queue": "long.q", "hosts": ["a", "b"], "slots": 2}
    assert read["process"] == {"max_workers": 4}
    assert 'scheduler = "grid_engine"' in added
    assert kept == ['ports = "1000-1100"', 'grid_engine.queue = "long.q"']


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# a comment", 'host = "eth0"', "[grid_engine]", '[process]\r\n"output"="s"\r\n'],
)
def test_it_is_added_to_files_of_all_shapes(text: str) -> None:
    made, _, _ = merge(text, WORKED, "file")
    before = tomllib.loads(text)
    assert tomllib.loads(made) == {**before, **WORKED}


def test_a_second_time_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "gridengine.toml"
    write(str(path), WORKED)
    before = path.stat().st_mtime_ns, path.read_text()
    assert "nothing to add" in write(str(path), WORKED)
    assert before == (path.stat().st_mtime_ns, path.read_text())


@pytest.mark.parametrize(
    "text", ['grid_engine = { native = "-R y" }', 'grid_engine.project = "p"', "grid_engine = 3"]
)
def test_where_nothing_can_be_added_the_lines_are_given(text: str, tmp_path: Path) -> None:
    path = tmp_path / "gridengine.toml"
    path.write_text(text)
    with pytest.raises(
        gridengine.GridEngineError, match=r'put in by hand:(?s:.*)queue = "short.q"'
    ):
        write(str(path), WORKED)
    assert path.read_text() == text


def test_a_header_within_a_text_is_none(tmp_path: Path) -> None:
    text = 'environment = """\n[grid_engine]\n"""\n'
    with pytest.raises(gridengine.GridEngineError, match="by hand"):
        merge(text, WORKED, "file")


def test_a_file_that_is_no_toml_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gridengine.toml"
    path.write_text("queue: short")
    with pytest.raises(gridengine.GridEngineError, match="is no TOML"):
        write(str(path), WORKED)
    assert path.read_text() == "queue: short"


def test_a_link_stays_one_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "dotfiles.toml", tmp_path / "gridengine.toml"
    path.write_text("linger = 1.0\n")
    path.chmod(0o644)
    link.symlink_to(path)
    write(str(link), WORKED)
    assert link.is_symlink()
    assert tomllib.loads(path.read_text())["linger"] == 1.0
    assert path.stat().st_mode & 0o777 == 0o644
    assert len(os.listdir(tmp_path)) == 2


def test_after_a_failure_nothing_is_written(tmp_path: Path) -> None:
    assert "nothing is written" in write(str(tmp_path / "gridengine.toml"), {})
    assert not os.listdir(tmp_path)
