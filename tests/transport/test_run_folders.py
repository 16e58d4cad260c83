"""The folder of a program: whose it is stands in it, and it is removed only as what it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gridengine.transport import private_files
from gridengine.transport.private_files import NotPrivate
from gridengine.transport.process_identity import ProcessIdentity
from gridengine.transport.run_folders import RunFolder

from ..left_behind import folder_of_a_dead_program, folder_of_a_program


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_it_says_whose_it_is(run_dir: Path) -> None:
    made = RunFolder.make(str(run_dir))
    assert made == RunFolder.read(made.path)
    assert made.program == ProcessIdentity.of(os.getpid())
    assert Path(made.path).name.startswith(f"run-{os.uname().nodename}-{os.getpid()}-")
    assert [] == made.remove()
    assert not os.path.exists(made.path)
    # Somebody else was quicker.
    assert [] == made.remove()


@pytest.mark.parametrize("late", ["", "inner"])
def test_what_is_written_while_it_is_removed_is_removed_too(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    made = RunFolder.make(str(run_dir))
    folder = Path(made.path, late)
    folder.mkdir(exist_ok=True)
    rmdir = os.rmdir
    written = []

    def rmdir_too_early(name: str, *, dir_fd: int) -> None:
        if len(written) < 2:
            written.append(folder / f"late-{len(written)}")
            written[-1].touch()
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", rmdir_too_early)
    assert [] == made.remove()
    assert len(written) == 2
    assert not os.path.exists(made.path)


def test_of_a_program_that_was_killed_it_is_known_that_it_is_dead(run_dir: Path) -> None:
    with folder_of_a_program(run_dir) as path:
        assert RunFolder.read(str(path)).program.lives() is True
    dead = RunFolder.read(str(path))
    assert dead.program.lives() is False
    assert [] == dead.remove()
    assert [] == list(run_dir.iterdir())


def test_where_nothing_can_be_noted_no_folder_is_left(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files, "write_file", full)
    with pytest.raises(OSError, match="No space"):
        RunFolder.make(str(run_dir))
    assert [] == list(run_dir.iterdir())


def test_a_folder_that_only_has_such_a_name_is_nobodys(run_dir: Path) -> None:
    private_files.make_folder(str(run_dir / "thesis"))
    renamed = (run_dir / "thesis").rename(run_dir / f"run-{os.uname().nodename}-7-abcd1234")
    with pytest.raises(ValueError, match="which program's it is"):
        RunFolder.read(str(renamed))


@pytest.mark.parametrize("noted", ["", "[]", "{}", '{"program": {"pid": 1}}'])
def test_a_note_that_is_none_makes_it_nobodys(run_dir: Path, noted: str) -> None:
    folder = folder_of_a_dead_program(run_dir)
    private_files.write_file(str(folder / "program"), noted, replace=True)
    with pytest.raises(ValueError):
        RunFolder.read(str(folder))


def test_a_copy_is_not_the_folder(run_dir: Path) -> None:
    folder = folder_of_a_dead_program(run_dir)
    kept = folder.rename(run_dir / "kept")
    shutil.copytree(kept, folder)
    with pytest.raises(ValueError, match="not the folder that its program has made"):
        RunFolder.read(str(folder))


@pytest.mark.parametrize("name", ["run-elsewhere-{pid}-abcd1234", "run-{host}-1{pid}-abcd1234"])
def test_under_another_name_it_is_not_believed(run_dir: Path, name: str) -> None:
    folder = folder_of_a_dead_program(run_dir)
    program = RunFolder.read(str(folder)).program
    renamed = folder.rename(run_dir / name.format_map(program._asdict()))
    with pytest.raises(ValueError, match="another name"):
        RunFolder.read(str(renamed))


def _another_name(note: Path) -> None:
    (note.parent / "another").hardlink_to(note)


def _link(note: Path) -> None:
    note.rename(note.parent / "other")
    note.symlink_to("other")


def _fifo(note: Path) -> None:
    note.unlink()
    os.mkfifo(note, 0o600)


def _open_to_others(note: Path) -> None:
    note.chmod(0o644)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("plant", [_another_name, _link, _fifo, _open_to_others])
def test_a_note_that_was_planted_is_refused(run_dir: Path, plant: Callable[[Path], None]) -> None:
    folder = folder_of_a_dead_program(run_dir)
    plant(folder / "program")
    with pytest.raises(NotPrivate):
        RunFolder.read(str(folder))


def test_a_link_is_none(run_dir: Path) -> None:
    folder = folder_of_a_dead_program(run_dir)
    kept = folder.rename(run_dir / "kept")
    folder.symlink_to("kept")
    with pytest.raises(NotPrivate):
        RunFolder.read(str(folder))
    assert (kept / "launch-0-1").exists()
