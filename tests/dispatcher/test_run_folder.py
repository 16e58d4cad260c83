"""The folder that nodes see too: others cannot have it emptied, nor what they put in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gridengine.dispatcher.run_folder import new_shared_folder, remove_shared_folder
from gridengine.errors import GridEngineError

from ..left_behind import (
    ANOTHER_TIME,
    folder_of_a_dead_program,
    folder_of_a_program,
    needs_a_container,
    needs_another_time,
    says,
)
from ..two_users import User


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


def start_a_program(run_dir: Path) -> None:
    """Has a program of this process begin and end."""
    remove_shared_folder(new_shared_folder(str(run_dir)))


# ---------------------------------------------------------------------- what others have left


def test_what_the_dead_have_left_a_new_program_removes(run_dir: Path) -> None:
    dead = folder_of_a_dead_program(run_dir)
    with folder_of_a_program(run_dir) as living:
        start_a_program(run_dir)
        assert not dead.exists()
        assert [living] == list(run_dir.iterdir())


@pytest.mark.parametrize("changed", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_what_may_live_elsewhere_stays(run_dir: Path, changed: dict[str, str]) -> None:
    folder = folder_of_a_dead_program(run_dir)
    says(folder, **changed)
    start_a_program(run_dir)
    assert (folder / "launch-0-1").exists()


def test_what_a_program_in_a_container_has_stays(run_dir: Path) -> None:
    if reason := needs_a_container():
        pytest.skip(reason)
    with folder_of_a_program(run_dir, container=4_000_000) as living:
        assert living.name.startswith(f"run-{os.uname().nodename}-4000001-")
        start_a_program(run_dir)
        assert (living / "program").exists()


def test_what_a_program_in_another_time_namespace_has_stays(run_dir: Path) -> None:
    if reason := needs_another_time():
        pytest.skip(reason)
    with folder_of_a_program(run_dir, around=ANOTHER_TIME) as living:
        start_a_program(run_dir)
        assert (living / "program").exists()


def test_what_is_only_called_so_stays(run_dir: Path) -> None:
    dead = folder_of_a_dead_program(run_dir)
    thesis = run_dir / f"{dead.name}x"
    thesis.mkdir(0o700)
    (thesis / "chapter").touch()
    (run_dir / f"{dead.name}y").symlink_to("thesis")
    start_a_program(run_dir)
    assert {f"{dead.name}x", f"{dead.name}y"} == {path.name for path in run_dir.iterdir()}
    assert (thesis / "chapter").exists()


# ---------------------------------------------------------------------- attacks

#: A program with umask 0 that ends when it is told to.
PROGRAM = """
import os, sys
from gridengine.dispatcher.run_folder import new_shared_folder, remove_shared_folder
os.umask(0)
folder = new_shared_folder({!r})
print(folder.path, flush=True)
sys.stdin.readline()
remove_shared_folder(folder)
"""

#: Puts a folder in the place of the one around the program's, with a link to where it shall remove.
ATTACK = """
import os
way, run, target = {!r}, {!r}, {!r}
os.rename(way, way + "-gone")
os.makedirs(os.path.dirname(run))
os.symlink(target, run)
"""


@pytest.fixture
def site(users: tuple[User, User]) -> Path:
    """A folder in which everybody may write."""
    site = users[0].home.parent / f"site-{os.urandom(4).hex()}"
    site.mkdir()
    return site


def test_a_program_empties_nothing_through_a_link_in_the_place_of_its_folder(
    users: tuple[User, User], site: Path
) -> None:
    victim, attacker = users
    site.chmod(0o1777)
    assert 0 == victim.run(["sh", "-c", "mkdir -p thesis/logs; touch thesis/logs/one"]).returncode
    run_dir = site / "way" / "of" / "mine"
    program = victim.start([victim.python, victim.program(PROGRAM.format(str(run_dir)))])
    assert program.stdout is not None
    folder = program.stdout.readline().strip()
    thesis = str(victim.home / "thesis")
    for way in ("way", "way/of"):
        attack = ATTACK.format(str(site / way), folder, thesis)
        assert "PermissionError" in attacker.run_python(attack).stdout
    # Nor where the site itself lets go of what protects it.
    site.chmod(0o777)
    assert "" == attacker.run_python(ATTACK.format(str(site / "way"), folder, thesis)).stdout
    said, _ = program.communicate("\n", timeout=60)
    assert (victim.home / "thesis" / "logs" / "one").exists()
    assert f"{site} can be written by everybody" in said
    assert 0 == program.returncode


def test_where_everybody_may_replace_its_folder_a_program_does_not_begin(
    users: tuple[User, User], site: Path
) -> None:
    victim, _ = users
    site.chmod(0o777)
    said = victim.run_python(PROGRAM.format(str(site / "way" / "run"))).stdout
    assert f"GridEngineError: {site} can be written by everybody (mode 777)" in said
    assert f"or have it made sticky (chmod +t {site})" in said
    assert not list(site.iterdir())


def test_a_home_that_its_group_can_write_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where each user has a group of their own, and a umask of 002.
    monkeypatch.setenv("HOME", str(tmp_path))
    tmp_path.chmod(0o775)
    with pytest.raises(GridEngineError, match=rf"its group \(mode 775\).*chmod go-w {tmp_path},"):
        new_shared_folder("")
    tmp_path.chmod(0o755)
    remove_shared_folder(new_shared_folder(""))


def test_what_cannot_be_removed_is_told(run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = new_shared_folder(str(run_dir))
    kept = Path(made.path).rename(run_dir / "kept")
    Path(made.path).symlink_to("kept")
    remove_shared_folder(made)
    assert "is not the folder any more" in caplog.text
    assert (kept / "program").exists()
