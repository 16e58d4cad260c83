"""Private files and folders: made so, opened only if so, removed only if they are the same."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridengine.transport.private_files import (
    NotPrivate,
    make_folder,
    open_folder,
    read_file,
    without_link,
    write_file,
)
from gridengine.transport.removal import remove_folder

from ..two_users import User, let_write


def mode(path: Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    make_folder(str(tmp_path / "private"))
    return tmp_path / "private"


# ---------------------------------------------------------------------- folders


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277, 0o777])
def test_a_new_folder_and_those_on_the_way_are_their_owners_alone_whatever_the_umask(
    tmp_path: Path, umask: Callable[[int], object], mask: int
) -> None:
    umask(mask)
    make_folder(str(tmp_path / "a" / "b" / "run"))
    assert [mode(tmp_path / way) for way in ("a", "a/b", "a/b/run")] == [0o700] * 3


UNDER_A_UMASK = """
import os, sys
os.umask(int(sys.argv[1], 8))
from gridengine.transport.run_folders import RunFolder
made = RunFolder.make(sys.argv[2])
print(RunFolder.read(made.path) == made, oct(os.stat(made.path).st_mode), made.remove())
"""


@pytest.mark.parametrize("mask", ["0277", "0777"])
def test_a_umask_that_takes_from_the_user_too_does_not_keep_a_program_from_its_folder(
    users: tuple[User, User], mask: str
) -> None:
    victim, _ = users
    path = victim.home / "a" / f"run{mask}"
    code = victim.program(UNDER_A_UMASK)
    assert "True 0o40700 []\n" == victim.run([victim.python, "-B", code, mask, path]).stdout
    assert 0o700 == mode(path) == mode(path.parent)


def test_a_private_folder_is_used_again(private: Path) -> None:
    (private / "file").touch()
    make_folder(str(private))
    assert (private / "file").exists()


@pytest.mark.parametrize("open_mode", [0o750, 0o705, 0o711, 0o1777])
@pytest.mark.parametrize("use", [make_folder, open_folder])
def test_a_folder_that_others_can_enter_is_refused(
    private: Path, open_mode: int, use: Callable[[str], object]
) -> None:
    private.chmod(open_mode)
    with pytest.raises(NotPrivate, match="with mode 700"):
        use(str(private))


def test_a_folder_that_belongs_to_a_group_by_its_parents_setgid_bit_is_private(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o2755)
    make_folder(str(tmp_path / "run"))
    assert mode(tmp_path / "run") == 0o2700


def test_what_to_do_is_said_by_who_owns_it_and_followed_it_is_used(
    users: tuple[User, User], site: Path
) -> None:
    victim, _ = users
    new = "or name a new one (GRIDENGINE_RUN_DIR)"
    for n, open_mode in enumerate((0o755, 0o2755, 0o775)):
        own = victim.home / f"own{n}"
        own.mkdir()
        os.chown(own, victim.uid, victim.uid)
        own.chmod(open_mode)
        said = made_by(victim, own)
        assert said.endswith(f"holds keys: chmod go-rwx {own}, {new}\n")
        assert 0 == victim.run(["chmod", "go-rwx", own]).returncode
        assert "" == made_by(victim, own)
    # Root's, as a project's folder is.
    assert "name one of your own below it (GRIDENGINE_RUN_DIR)" in made_by(victim, site)
    assert "" == made_by(victim, site / "mine")
    site.chmod(0o2775)
    assert "name one of your own elsewhere (GRIDENGINE_RUN_DIR)" in made_by(victim, site)
    said = made_by(victim, site / "mine")
    sticky = (
        f"name a folder elsewhere (GRIDENGINE_RUN_DIR), or have it made sticky (chmod +t {site})"
    )
    assert sticky in said
    assert "chmod go-w" not in said
    site.chmod(0o3775)
    assert "" == made_by(victim, site / "mine")


@pytest.mark.parametrize("use", [make_folder, open_folder])
def test_a_link_in_the_place_of_the_folder_is_refused(
    tmp_path: Path, private: Path, use: Callable[[str], object]
) -> None:
    (tmp_path / "run").symlink_to(private)
    with pytest.raises(NotPrivate, match="link"):
        use(str(tmp_path / "run"))


@pytest.mark.parametrize("plant", [Path.touch, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_folder_is_refused(tmp_path: Path, plant: Callable[[Path], object]) -> None:
    plant(tmp_path / "run")
    with pytest.raises(NotPrivate, match="no folder"):
        make_folder(str(tmp_path / "run"))


# ---------------------------------------------------------------------- the way to them


@pytest.mark.parametrize(
    ("open_mode", "who"), [(0o775, "its group"), (0o777, "everybody"), (0o757, "everybody")]
)
@pytest.mark.parametrize("way", ["site", "site/of/mine"])
def test_a_way_on_which_others_can_write_is_refused_with_what_to_do(
    tmp_path: Path, open_mode: int, who: str, way: str
) -> None:
    make_folder(str(tmp_path / way / "run"))
    (tmp_path / "site").chmod(open_mode)
    advice = rf"{tmp_path}/site can be .* by {who} \(mode {open_mode:o}\).*chmod go-w {tmp_path}/si"
    for use in (make_folder, open_folder):
        with pytest.raises(NotPrivate, match=advice):
            use(str(tmp_path / way / "run"))
    with pytest.raises(NotPrivate, match=advice):
        make_folder(str(tmp_path / way / "another"))
    assert not (tmp_path / way / "another").exists()


@pytest.mark.parametrize("safe_mode", [0o1777, 0o1775, 0o2755, 0o711, 0o755])
def test_a_way_on_which_others_can_replace_nothing_is_taken(tmp_path: Path, safe_mode: int) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site").chmod(safe_mode)
    make_folder(str(tmp_path / "site" / "run"))
    os.close(open_folder(str(tmp_path / "site" / "run")))


def test_what_links_on_the_way_lead_to_is_looked_at(tmp_path: Path) -> None:
    for name, open_mode in (("safe", 0o755), ("open", 0o777)):
        (tmp_path / name / "home").mkdir(parents=True)
        (tmp_path / name / "home").chmod(0o755)
        (tmp_path / name).chmod(open_mode)
    home = tmp_path / "home"
    # As sites have it: by several links, some of them relative.
    (tmp_path / "homes").symlink_to("safe/../safe/")
    home.symlink_to(tmp_path / "homes" / "home")
    make_folder(str(home / "run"))
    assert mode(tmp_path / "safe" / "home" / "run") == 0o700
    home.unlink()
    home.symlink_to("open/home")
    with pytest.raises(NotPrivate, match=f"{tmp_path}/open can be written"):
        make_folder(str(home / "run"))


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        make_folder(str(tmp_path / "a" / "run"))


def test_where_a_link_leads_is_said_by_a_path_without_links(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "deep").mkdir(parents=True)
    (tmp_path / "home").symlink_to("scratch/deep")
    link = tmp_path / "home" / "link"
    link.symlink_to("../run")
    with pytest.raises(FileNotFoundError):
        without_link(str(link))
    assert str(tmp_path / "scratch" / "run") == without_link(str(link), make=True)
    assert 0o700 == mode(tmp_path / "scratch" / "run")
    # What is no link itself keeps the path by which others see it.
    assert str(tmp_path / "home" / "run") == without_link(str(tmp_path / "home" / "run"))
    (tmp_path / "scratch").chmod(0o777)
    with pytest.raises(NotPrivate, match=f"{tmp_path}/scratch can be written"):
        without_link(str(link))


MAKE = "from gridengine.transport import private_files; private_files.make_folder({!r})"


@pytest.fixture
def site(users: tuple[User, User]) -> Path:
    """A folder in which everybody may write."""
    site = users[0].home.parent / f"site-{os.urandom(4).hex()}"
    site.mkdir()
    site.chmod(0o1777)
    return site


def made_by(user: User, path: Path) -> str:
    """Has a user make a private folder; returns what is said, empty if it is made."""
    return str(user.run_python(MAKE.format(str(path))).stdout)


@pytest.mark.parametrize("what", ["mkdir", "link"])
@pytest.mark.parametrize("where", ["run", "way"])
def test_what_another_user_has_put_on_the_way_is_refused(
    users: tuple[User, User], site: Path, what: str, where: str
) -> None:
    victim, attacker = users
    victim.run(["mkdir", "-m", "700", "-p", "own/run"])
    plant = ["mkdir", "-m", "777"] if what == "mkdir" else ["ln", "-s", f"{victim.home}/own"]
    planted = site / where
    assert 0 == attacker.run([*plant, planted]).returncode
    run = planted if where == "run" else planted / "run"
    said = made_by(victim, run)
    assert "NotPrivate" in said
    assert f"{planted} " in said


def test_in_a_sticky_folder_for_all_nobody_else_can_replace_a_folder(
    users: tuple[User, User], site: Path
) -> None:
    victim, attacker = users
    assert "" == made_by(victim, site / "way" / "run")
    for attack in (["mv", site / "way", site / "gone"], ["touch", site / "way/planted"]):
        assert 0 != attacker.run(attack).returncode
    assert "" == made_by(victim, site / "way" / "run")
    # And where they could it is not used.
    site.chmod(0o777)
    assert 0 == attacker.run(["mv", site / "way", site / "gone"]).returncode
    assert "NotPrivate" in made_by(victim, site / "way" / "run")


def test_a_write_permission_of_an_access_control_list_is_seen(
    users: tuple[User, User], site: Path
) -> None:
    victim, attacker = users
    assert "" == made_by(victim, site / "way" / "run")
    set_list = let_write(site / "way", attacker.uid)
    if not set_list:
        pytest.skip("this file system has no access control lists")
    assert 0 == attacker.run(["mv", site / "way/run", site / "way/gone"]).returncode
    assert "can be written by its group" in made_by(victim, site / "way" / "run")


@pytest.fixture
def below_root(users: tuple[User, User]) -> Iterator[Path]:
    """A folder to which the way is root's alone, in which everybody may write."""
    site = Path(tempfile.mkdtemp(prefix="gu-", dir="/run"))
    site.chmod(0o1777)
    yield site
    shutil.rmtree(site)


def test_where_root_has_no_number_its_folders_are_taken_and_links_of_nobody_are_not(
    users: tuple[User, User], below_root: Path
) -> None:
    # As in a container that an ordinary user has started: root and all other users are one.
    victim, attacker = users
    way = below_root / "way"
    make = victim.program(MAKE.format(str(way / "run")))
    contained = ["unshare", "--user", f"--map-user={victim.uid}", victim.python, make]
    assert "" == victim.run(contained).stdout
    shutil.rmtree(way)
    victim.run(["mkdir", "-p", "own/run"])
    assert 0 == attacker.run(["ln", "-s", f"{victim.home}/own", way]).returncode
    said = victim.run(contained).stdout
    assert "NotPrivate" in said
    assert " belongs to user 65534 (a user not known here), who could" in said


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_a_file_from_its_first_byte_on(
    private: Path,
    umask: Callable[[int], object],
    monkeypatch: pytest.MonkeyPatch,
    mask: int,
) -> None:
    seen: dict[str, int] = {}
    rename = os.rename

    def look(*names: str, **options: int) -> None:
        seen.update((path.name, mode(path)) for path in private.iterdir())
        rename(*names, **options)

    monkeypatch.setattr(os, "rename", look)
    umask(mask)
    write_file(str(private / "file"), "secret")
    assert seen == {".file": 0o600}
    assert [(path.name, mode(path)) for path in private.iterdir()] == [("file", 0o600)]
    assert "secret" == read_file(str(private / "file"))


def test_a_file_is_replaced_if_that_is_meant_also_after_one_that_was_killed(private: Path) -> None:
    (private / ".file").symlink_to(private / "elsewhere")
    for text in ("one", "two"):
        write_file(str(private / "file"), text, replace=True)
        assert text == read_file(str(private / "file"))
    with pytest.raises(FileExistsError):
        write_file(str(private / "file"), "three")
    assert {"file"} == {path.name for path in private.iterdir()}


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_could_read_or_write_is_refused(private: Path, open_mode: int) -> None:
    write_file(str(private / "file"), "")
    (private / "file").chmod(open_mode)
    with pytest.raises(NotPrivate, match=f"mode {open_mode:o}: it must be .* with mode 600") as no:
        read_file(str(private / "file"))
    # What others could have written is not to be believed unseen.
    assert ("if what is in it is yours" in str(no.value)) == bool(open_mode & 0o022)
    assert f"chmod go-rwx {private}/file" in str(no.value)


def _fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))


def _folder(path: Path) -> None:
    path.mkdir(0o700)


def _link(path: Path) -> None:
    write_file(f"{path}-other", "")
    path.symlink_to(f"{path}-other")


def _hard_link(path: Path) -> None:
    write_file(f"{path}-other", "")
    path.hardlink_to(f"{path}-other")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("plant", [_fifo, _socket, _folder, _link, _hard_link])
def test_what_is_no_file_of_one_name_is_refused_at_once(
    private: Path, plant: Callable[[Path], None]
) -> None:
    plant(private / "file")
    with pytest.raises(NotPrivate, match=re.escape(f"{private}/file is ")):
        read_file(str(private / "file"))


def test_a_file_in_a_folder_that_is_a_link_is_refused(tmp_path: Path, private: Path) -> None:
    write_file(str(private / "file"), "")
    (tmp_path / "link").symlink_to(private)
    with pytest.raises(NotPrivate, match="link"):
        read_file(str(tmp_path / "link" / "file"))


def test_a_file_that_is_replaced_at_that_moment_is_read(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(private / "file")
    write_file(path, "old")
    fstat = os.fstat
    replaced: list[str] = []

    def replace(descriptor: int) -> os.stat_result:
        if stat.S_ISREG(fstat(descriptor).st_mode) and not replaced:
            replaced.append(path)
            write_file(path, "new", replace=True)
        return fstat(descriptor)

    monkeypatch.setattr(os, "fstat", replace)
    assert "old" == read_file(path)
    assert "new" == read_file(path)


# ---------------------------------------------------------------------- removal


def identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """A folder that is to stay as it is."""
    folder = tmp_path / "precious"
    (folder / "logs").mkdir(0o700, parents=True)
    (folder / "logs" / "thesis").touch()
    yield folder
    assert [Path("logs"), Path("logs/thesis")] == sorted(
        path.relative_to(folder) for path in folder.rglob("*")
    )


def full(folder: Path) -> Path:
    for inner in (folder / "logs", folder / "logs" / "deep"):
        inner.mkdir(0o700, parents=True)
        (inner / "file").touch()
    return folder


def test_a_folder_goes_with_all_in_it_and_no_link_is_followed(
    private: Path, precious: Path
) -> None:
    folder = full(private / "run")
    for place in (folder, folder / "logs"):
        (place / "to-a-folder").symlink_to(precious)
        (place / "to-a-file").symlink_to(precious / "logs" / "thesis")
        (place / "nowhere").symlink_to("nowhere")
    os.mkfifo(folder / "fifo")
    assert [] == remove_folder(str(folder), *identity(folder))
    assert not folder.exists()


@pytest.mark.parametrize("how", ["link", "folder"])
def test_what_has_taken_the_place_of_the_folder_is_not_removed(
    private: Path, precious: Path, how: str
) -> None:
    folder = private / "run"
    folder.mkdir()
    made = identity(folder)
    folder.rename(private / "elsewhere")
    if how == "link":
        folder.symlink_to(precious)
    else:
        precious.rename(folder)
    with pytest.raises(NotPrivate, match="is not the folder any more"):
        remove_folder(str(folder), *made)
    if how == "folder":
        folder.rename(precious)


@pytest.mark.parametrize("how", ["link", "folder"])
def test_what_takes_the_place_of_an_inner_folder_at_that_moment_is_not_removed(
    private: Path, precious: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = full(private / "run")
    real, swapped = os.open, []

    def swap(path: str, *arguments: int, **options: int) -> int:
        # Between the look at it and its being opened.
        if path == "logs" and not swapped:
            swapped.append(path)
            (folder / "logs").rename(private / "elsewhere")
            if how == "link":
                (folder / "logs").symlink_to(precious / "logs")
            else:
                (precious / "logs").rename(folder / "logs")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", swap)
    (left,) = remove_folder(str(folder), *identity(folder))
    assert swapped
    assert left.startswith(f"{folder}/logs (")
    assert (private / "elsewhere" / "deep" / "file").exists()
    if how == "folder":
        (folder / "logs").rename(precious / "logs")


def test_what_belongs_to_others_is_left_with_a_word(users: tuple[User, User]) -> None:
    victim, attacker = users
    folder = full(victim.home / "run" / "one")
    theirs = folder / "logs" / "theirs"
    theirs.mkdir()
    for path in (victim.home / "run", *(victim.home / "run").rglob("*")):
        os.chown(path, victim.uid, victim.uid)
        path.chmod(0o700)
    os.chown(theirs, attacker.uid, attacker.uid)
    remove = (
        "import os; from gridengine.transport.removal import remove_folder; "
        f"status = os.stat({str(folder)!r}); "
        f"print(remove_folder({str(folder)!r}, status.st_dev, status.st_ino))"
    )
    said = victim.run_python(remove).stdout
    assert f"['{theirs} (it belongs to user {attacker.uid})']\n" == said
    assert [folder / "logs", theirs] == sorted(folder.rglob("*"))


def test_a_folder_that_is_gone_is_said_to_be(private: Path) -> None:
    with pytest.raises(FileNotFoundError):
        remove_folder(str(private / "run"), 1, 1)
