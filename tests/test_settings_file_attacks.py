"""A gridengine.toml that another user may have put there, or written, is not read."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.settings import Settings

from .two_users import User, let_write


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "gridengine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("how", ["file", "pipe", "own file that all may write"])
def test_what_another_user_may_have_put_into_the_working_directory_is_not_read_and_said(
    users: tuple[User, User], how: str
) -> None:
    victim, attacker = users
    folder = attacker.home.parent / f"open-{how[:4]}"
    folder.mkdir()
    folder.chmod(0o1777)
    owner = victim if how.startswith("own") else attacker
    make = "os.mkfifo(name, 0o644)" if how == "pipe" else "open(name, 'w').write(text)"
    planted = owner.run_python(
        "import os; os.umask(0); text = '[process]\\nmax_workers = 1\\n'\n"
        f"os.chdir({str(folder)!r}); name = 'gridengine.toml'; {make}"
    )
    assert (planted.returncode, planted.stdout) == (0, "")
    done = victim.run_python(
        "import gridengine.schedulers as s\n"
        "if __name__ == '__main__':\n"
        "    print(s.best_available(), s.best_available())",
        {"GRIDENGINE_SCHEDULER": "process"},
        cwd=folder,
    )
    warning, _, made = done.stdout.partition("\n")
    assert "gridengine.toml is not read: it is no file of yours" in warning
    assert "max_workers=1" not in made
    assert made.count("ProcessScheduler(") == 2


#: Has its command line say what it likes, belong to root, and lie in the working directory.
LINK_TO_ITSELF = """
import ctypes, os, sys
if len(sys.argv) == 1:
    os.execv(sys.executable, [sys.executable, __file__, "x" * 9000])
text = b"linger = 7\\n".ljust(30000, b"\\n")
start, end = map(int, open("/proc/self/stat").read().rpartition(")")[2].split()[45:47])
ctypes.memmove(start, text, end - start)
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
os.symlink(f"/proc/{os.getpid()}/cmdline", "gridengine.toml")
print("ready", flush=True)
sys.stdin.read()
"""

#: Says what it reads; the warning goes to the same stream.
LINGER = "from gridengine.settings import Settings; print(Settings.read().linger)"


@pytest.fixture
def anybodys(users: tuple[User, User]) -> Iterator[Path]:
    """A working directory in which anybody may make files.

    It is not sticky: there Linux may follow no links of others (fs.protected_symlinks).
    """
    folder = users[1].home.parent / "anybodys"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def its_command_line(users: tuple[User, User], anybodys: Path) -> Iterator[Path]:
    """A link of the attacker's in the working directory, to a file of root's with its text."""
    process = users[1].start(
        [users[1].python, users[1].program(LINK_TO_ITSELF)], cwd=anybodys
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    link = anybodys / "gridengine.toml"
    # The attack is a real one: without a look at how it came there it is root's.
    assert (link.stat().st_uid, link.stat().st_mode & 0o777) == (0, 0o444)
    assert link.read_text().startswith("linger = 7\n\n")
    yield link
    process.communicate()


def refused(said: str) -> bool:
    warning, _, linger = said.partition("\n")
    assert "gridengine.toml is not read: it is no file of yours" in warning
    return linger == f"{Settings().linger}\n"


def test_a_link_to_a_command_line_which_counts_as_roots_is_not_read_and_said(
    users: tuple[User, User], anybodys: Path, its_command_line: Path
) -> None:
    assert refused(users[0].run_python(LINGER, cwd=anybodys).stdout)


def test_not_even_by_the_users_own_link_is_a_file_of_proc_read(
    users: tuple[User, User], anybodys: Path, its_command_line: Path
) -> None:
    victim, _ = users
    (anybodys / "config" / "gridengine").mkdir(parents=True)
    (anybodys / "config" / "gridengine" / "gridengine.toml").symlink_to(its_command_line.readlink())
    done = victim.run_python(LINGER, {"XDG_CONFIG_HOME": str(anybodys / "config")})
    assert done.stdout == f"{Settings().linger}\n"


@pytest.mark.parametrize("how", ["link", "dangling link", "second name", "socket", "closed file"])
def test_what_is_put_in_the_place_of_a_projects_file_is_not_read_and_stops_nothing(
    users: tuple[User, User], anybodys: Path, how: str
) -> None:
    victim, attacker = users
    own = victim.program("linger = 7")
    path = anybodys / "gridengine.toml"
    if how == "second name":
        # As an attacker can where the system protects no hard links (proc(5)).
        os.link(own, path)
    else:
        make = {
            "link": f"os.symlink({str(own)!r}, {str(path)!r})",
            "dangling link": f"os.symlink('/nowhere', {str(path)!r})",
            "socket": f"socket.socket(socket.AF_UNIX).bind({str(path)!r})",
            "closed file": f"open({str(path)!r}, 'w'); os.chmod({str(path)!r}, 0)",
        }[how]
        assert attacker.run_python(f"import os, socket; {make}").stdout == ""
    assert refused(victim.run_python(LINGER, cwd=anybodys).stdout)


def test_the_users_own_file_may_be_a_link(users: tuple[User, User]) -> None:
    victim, _ = users
    own = victim.program("linger = 7")
    folder = victim.home / ".config" / "gridengine"
    folder.mkdir(parents=True)
    (folder / "gridengine.toml").symlink_to(own)
    victim.home.joinpath(".config").chmod(0o755)
    try:
        assert victim.run_python(LINGER).stdout == "7.0\n"
    finally:
        shutil.rmtree(victim.home / ".config")


@pytest.mark.parametrize("place", ["project", "user"])
def test_a_file_that_a_group_may_write_is_not_read_and_said(
    users: tuple[User, User], anybodys: Path, place: str
) -> None:
    victim, attacker = users
    path = write(anybodys / "gridengine", "linger = 7")
    # The attacker's group: that is what a group of both would be.
    os.chown(path, victim.uid, attacker_group := pwd.getpwuid(attacker.uid).pw_gid)
    path.chmod(0o664)
    attacker.run_python(f"open({str(path)!r}, 'w').write('linger = 8')")
    assert (path.read_text(), path.stat().st_gid) == ("linger = 8", attacker_group)
    in_project = place == "project"
    done = victim.run_python(
        LINGER,
        {} if in_project else {"XDG_CONFIG_HOME": str(anybodys)},
        cwd=path.parent if in_project else victim.home,
    )
    assert refused(done.stdout)


@pytest.mark.parametrize("whose", ["own", "own with others in it", "with a list"])
def test_a_group_may_write_it_only_if_it_is_the_users_private_one(
    users: tuple[User, User], anybodys: Path, whose: str
) -> None:
    victim, attacker = users
    path = write(anybodys, "linger = 7")
    os.chown(path, victim.uid, pwd.getpwuid(victim.uid).pw_gid)
    path.chmod(0o664)
    if whose == "with a list" and not let_write(path, attacker.uid):
        pytest.skip("no POSIX access control lists here")
    if whose == "own with others in it":
        subprocess.run(["usermod", "-aG", victim.name, attacker.name], check=True)
    try:
        if whose != "own":
            attacker.run_python(f"open({str(path)!r}, 'w').write('linger = 8')")
            assert path.read_text() == "linger = 8"
        said = victim.run_python(LINGER, cwd=anybodys).stdout
    finally:
        subprocess.run(["usermod", "-G", "", attacker.name], check=True)
    assert said == "7.0\n" if whose == "own" else refused(said)


def test_roots_file_in_the_working_directory_is_read(users: tuple[User, User]) -> None:
    victim, attacker = users
    folder = attacker.home.parent / "of-root"
    folder.mkdir()
    folder.chmod(0o755)
    write(folder, "linger = 7").chmod(0o644)
    done = victim.run_python(
        "from gridengine.settings import Settings; print(Settings.read().linger)", cwd=folder
    )
    assert done.stdout == "7.0\n"
