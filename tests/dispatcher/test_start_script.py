"""The shell script by which a queue job starts its Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gridengine.dispatcher.start_script import script_in, start_command, start_script

from ..two_users import User

#: What a node's ``/bin/sh`` may be, as far as this host has it.
SHELLS = [
    shell
    for shell in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["mksh"])
    if shutil.which(shell[0])
]

#: An argument, to be handed on as it is.
ODD = "with  space $HOME \"'*\\"


def run(
    shell: list[str], folder: Path, user: User | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs what a queue job runs, with a node's shell; both streams are in ``stdout``."""
    # The user need not have it in his own PATH.
    program = shutil.which(shell[0])
    assert program
    command = [program, *shell[1:], *start_command(script_in(str(folder)), ODD)[1:]]
    if user is not None:
        return user.run(command)
    return subprocess.run(
        command, env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def run_folder(parent: Path, script: str) -> Path:
    """Makes a program's folder, with a start script."""
    folder = parent / "run-it's here"
    folder.mkdir(0o700)
    Path(script_in(str(folder))).write_text(script)
    return folder


def planted(folder: Path, attacker: User) -> None:
    """Makes all of a folder another user's, who lets everybody read it."""
    for path in (folder, *folder.iterdir()):
        os.chown(path, attacker.uid, attacker.uid)
    folder.chmod(0o755)


@pytest.fixture
def shared_tmp(users: tuple[User, User]) -> Path:
    """A place in which all users of a node can make folders."""
    place = users[0].home.parent / "tmp"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    place.chmod(0o1777)
    return place


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_in_a_folder_of_ones_own_runs_with_its_arguments(
    shell: list[str], tmp_path: Path
) -> None:
    say = "import os, sys; print(os.getcwd(), sys.argv[1:], os.environ.get('LD_LIBRARY_PATH'))"
    script = start_script([sys.executable, "-c", say], {"LD_LIBRARY_PATH": "/a b"})
    folder = run_folder(tmp_path, script)
    assert f"/ {[ODD]} /a b\n" == run(shell, folder).stdout
    # As in a folder whose group is handed on.
    folder.chmod(0o2700)
    assert f"/ {[ODD]} /a b\n" == run(shell, folder).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_another_user_is_not_run_and_why_is_said(
    shell: list[str], users: tuple[User, User], shared_tmp: Path
) -> None:
    victim, attacker = users
    folder = run_folder(shared_tmp, "echo owned; exit 0\n")
    planted(folder, attacker)
    done = run(shell, folder, victim)
    assert 1 == done.returncode
    assert "owned" not in done.stdout
    assert f"gridengine: nothing is run, for {folder} is not on this host" in done.stdout
    # Nor one that is the victim's own, in a folder of the attacker's: it may be a name of another.
    os.chown(script_in(str(folder)), victim.uid, victim.uid)
    assert "owned" not in run(shell, folder, victim).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_link_to_a_private_folder_of_ones_own_runs_nothing_of_it(
    shell: list[str], users: tuple[User, User], shared_tmp: Path
) -> None:
    victim, _ = users
    other = victim.home / f"run-{shell[0]}"
    other.mkdir(0o700)
    for name in ("start", "start-run", script_in(str(other))):
        (other / name).write_text("echo owned; exit 0\n")
    for path in (other, *other.iterdir()):
        os.chown(path, victim.uid, victim.uid)
    link = shared_tmp / "run-1"
    link.symlink_to(other)
    done = run(shell, link, victim)
    assert 1 == done.returncode
    assert "owned" not in done.stdout
    # Where it is looked for, it would be run.
    assert "owned\n" == run(shell, other, victim).stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o770, 0o777, 0o1777, 0o710, 0o701])
def test_a_folder_that_others_may_enter_or_write_runs_nothing(
    shell: list[str], mode: int, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path, "echo owned; exit 0\n")
    folder.chmod(mode)
    done = run(shell, folder)
    assert (1, False) == (done.returncode, "owned" in done.stdout)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_or_a_script_that_is_gone_is_said(shell: list[str], tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "")
    Path(script_in(str(folder))).unlink()
    for _ in range(2):
        done = run(shell, folder)
        assert 1 == done.returncode
        assert f"{folder} is not on this host, or has no start script" in done.stdout
        shutil.rmtree(folder, ignore_errors=True)


def test_it_sets_what_the_interpreter_needs_and_nothing_else(tmp_path: Path) -> None:
    odd = "/a b/lib:/it's/$HOME"
    say = (
        "import os, sys;"
        "print([os.environ.get(name) for name in ('LD_LIBRARY_PATH', 'SECRET')], *sys.argv)"
    )
    script = start_script([sys.executable, "-c", say], {"LD_LIBRARY_PATH": odd, "SECRET": "x"})
    path = tmp_path / "start it"
    path.write_text(script)
    told = subprocess.run(
        ["/bin/sh", path, "with space"], env={}, capture_output=True, text=True, check=True
    )
    assert told.stdout == f"{[odd, None]} -c with space\n"


@pytest.mark.parametrize("isolated", [False, True])
def test_an_interpreter_that_passes_over_its_variables_gets_none(isolated: bool) -> None:
    environ = {"PYTHONHOME": "/else", "LD_LIBRARY_PATH": "/lib"}
    script = start_script(["python"], environ, isolated=isolated)
    assert ("PYTHONHOME" in script) is not isolated
    assert "LD_LIBRARY_PATH=/lib" in script
