"""Another user of this host attacks a program with workers here, and finds nothing to attack."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from gridengine.transport.viewer_messages import SUFFIX

from ..two_users import User
from ..waiting import wait_until

#: Calls for a file that the test makes: work goes on as long as it likes. ``steps`` are files in
#: whose presence the program goes on.
PROGRAM = """
import os, sys, threading
import gridengine
from gridengine.schedulers import ProcessScheduler

def who(_):
    return os.getuid(), os.getpid()

def shared(data):
    # Lent by the program, and by this worker.
    return len(data), bytes(1_000_000)

with ProcessScheduler(2, fresh={fresh}) as scheduler:
    users = {{user for user, _ in gridengine.map(who, range(4), scheduler=scheduler, chunksize=1)}}
    job = gridengine.Job(target=shared, args=(bytes(1_000_000),), scheduler=scheduler)
    job.start()
    result = job.result
    print("ready", *users, flush=True)
    for line in sys.stdin:
        users = gridengine.map(who, range(4), scheduler=scheduler, chunksize=1)
        print("again", *{{user for user, _ in users}}, flush=True)
"""


class Attacked:
    """A program of the victim's with two workers, which maps once more whenever it is asked."""

    def __init__(self, victim: User, folder: Path, *, fresh: bool) -> None:
        self.victim = victim
        self.folder = folder
        environ = {"TMPDIR": str(folder), "GRIDENGINE_SCHEDULER": "process"}
        # Its own output: what is warned of goes elsewhere.
        self.source = str(victim.program(PROGRAM.format(fresh=fresh)))
        self._process = victim.start(
            [victim.python, self.source], environ, stderr=subprocess.DEVNULL
        )
        assert self._says() == ["ready", str(victim.uid)]
        family = [psutil.Process(self._process.pid)]
        family += family[0].children(recursive=True)
        self.pids = [each.pid for each in family]

    def _says(self) -> list[str]:
        assert self._process.stdout is not None
        return str(self._process.stdout.readline()).split()

    def maps_again(self) -> list[str]:
        """Has it map with workers, of which it has new ones if it is fresh; returns their users."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        again, *users = self._says()
        assert again == "again"
        return users

    def end(self) -> int:
        self._process.communicate(timeout=30)
        return self._process.returncode


@pytest.fixture(params=["777", "1777"])
def temporary(request: pytest.FixtureRequest, users: tuple[User, User]) -> Iterator[Path]:
    """A TMPDIR in which the other user may make what it likes; and if not sticky, rename it."""
    folder = users[0].home.parent / "temporary"
    folder.mkdir()
    folder.chmod(int(request.param, 8))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def begin(users: tuple[User, User], temporary: Path) -> Iterator[Callable[..., Attacked]]:
    begun: list[Attacked] = []

    def begin(*, fresh: bool = False) -> Attacked:
        begun.append(Attacked(users[0], temporary, fresh=fresh))
        return begun[-1]

    yield begin
    for each in begun:
        assert each.end() == 0


#: Where anybody may write.
PUBLIC = [Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock")]


def files_of(user: User, *folders: Path) -> set[str]:
    """Returns what belongs to a user in its home, in these folders, and where anybody may write."""
    found = {str(path) for path in user.home.rglob("*")}
    for folder in (*PUBLIC, *folders):
        for path in folder.iterdir() if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_uid == user.uid:
                    found.add(str(path))
    return found


def for_viewers(program: Attacked) -> str:
    """Waits for the socket to which the program's owner may connect, and returns its path."""
    folder = program.victim.home / ".gridengine" / "programs"
    (path,) = wait_until(lambda: list(folder.glob("*.socket")), what="there is a socket")
    return str(path)


def test_nothing_of_a_program_is_in_the_file_system_but_a_socket_for_its_owner(
    users: tuple[User, User], begin: Callable[..., Attacked]
) -> None:
    victim, _ = users
    before = files_of(victim)
    program = begin()
    path = for_viewers(program)
    assert list(program.folder.iterdir()) == []
    folders = list(Path(path).parents)[:2]
    assert files_of(victim) - before - set(map(str, folders)) == {program.source, path}
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700, 0o700]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_no_socket_between_a_program_and_its_workers_has_a_name(
    begin: Callable[..., Attacked],
) -> None:
    program = begin()
    path = for_viewers(program)
    # Number, …, inode, and the path or abstract name if it has one (proc(5)).
    lines = [line.split(maxsplit=7) for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    names = {line[6]: line[7] if len(line) > 7 else "" for line in lines}
    sockets = {
        match[1]
        for pid in program.pids
        for path in Path(f"/proc/{pid}/fd").iterdir()
        if (match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(path)))
    }
    # The program's ends and the others', of the supervisor and of two workers.
    assert len(sockets) >= 2 * 4
    named = [names[inode] for inode in sockets if names[inode]]
    # It is bound under another name, and has this one when it listens.
    assert named == [path.removesuffix(SUFFIX)]
    assert not any(each.laddr for pid in program.pids for each in inet_sockets(pid))


def inet_sockets(pid: int) -> list[psutil._common.pconn]:
    return psutil.Process(pid).net_connections("inet")


#: ``PID …``: what it could open of these processes, with what they have open.
OPENS = """
import os, socket, sys
opened, refused = [], 0
for pid in sys.argv[1:]:
    for number in range(64):
        for path in (f"/proc/{pid}/fd/{number}", f"/proc/{pid}/fdinfo/{number}"):
            for flags in (os.O_RDONLY, os.O_RDWR):
                try:
                    os.close(os.open(path, flags))
                    opened.append(path)
                except OSError:
                    refused += 1
        try:
            with socket.socket(socket.AF_UNIX) as caller:
                caller.connect(f"/proc/{pid}/fd/{number}")
            opened.append(f"a connection to {pid} {number}")
        except OSError:
            refused += 1
    for name in ("mem", "environ", "map_files", "fd", "cwd"):
        try:
            path = f"/proc/{pid}/{name}"
            os.listdir(path) if name in ("map_files", "fd", "cwd") else open(path, "rb").read(1)
            opened.append(path)
        except OSError:
            refused += 1
print(refused, opened)
"""


def test_another_user_reaches_neither_sockets_nor_memory_by_proc(
    users: tuple[User, User], begin: Callable[..., Attacked]
) -> None:
    victim, attacker = users
    program = begin()
    pids = list(map(str, program.pids))
    memory = [
        path
        for pid in program.pids
        for path in Path(f"/proc/{pid}/fd").iterdir()
        if os.readlink(path).startswith("/memfd:")
    ]
    # There is something to be had: memory that is lent, and sockets; their owner can open it.
    assert len(memory) >= 2
    own = victim.run([victim.python, "-c", f"open({str(memory[0])!r}, 'rb').read(1)"])
    assert own.returncode == 0, own.stdout
    tried = attacker.run([attacker.python, attacker.program(OPENS), *pids])
    assert tried.stdout == f"{len(pids) * (64 * 5 + 5)} []\n"
    assert program.maps_again() == [str(victim.uid)]


def test_not_even_the_owner_can_connect_to_a_socket_by_proc(
    users: tuple[User, User], begin: Callable[..., Attacked]
) -> None:
    victim, _ = users
    program = begin()
    tried = victim.run([victim.python, victim.program(OPENS), *map(str, program.pids)])
    assert tried.returncode == 0
    assert "a connection" not in tried.stdout
    # It has looked at what there is.
    assert "/fd/" in tried.stdout
    assert program.maps_again() == [str(victim.uid)]


#: ``FOLDER NAME``: puts a folder with a socket in the place of each there is, as well as of one
#: that is called by that name; whoever connects gets a function that writes down who runs it.
PLANTS = """
import os, pathlib, shutil, socket, sys
folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
names += [path.name for path in folder.iterdir()]
sys.path.append(str(folder))
doors = []
for name in names:
    place = folder / name
    if place.exists():
        place.rename(folder / f"was-{name}")
    place.mkdir(mode=0o777)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(place / "dispatcher"))
    os.chmod(place / "dispatcher", 0o777)
    door.listen()
    (place / "launch-0-2").write_text("{}")
    doors.append(door)
print("planted", len(doors), flush=True)
sys.stdin.read()
came = 0
for door in doors:
    door.setblocking(False)
    try:
        door.accept()
        came += 1
    except BlockingIOError:
        pass
print("came", came)
"""


@pytest.mark.parametrize("fresh", [False, True])
def test_who_swaps_folders_and_sockets_is_asked_by_no_worker(
    users: tuple[User, User], begin: Callable[..., Attacked], fresh: bool
) -> None:
    victim, attacker = users
    program = begin(fresh=fresh)
    # It comes by itself when the program has run for a moment.
    for_viewers(program)
    before = files_of(victim, program.folder)
    names = ["gridengine-01234567", f"gridengine-{program.pids[0]}", "1"]
    planted = attacker.start(
        [attacker.python, attacker.program(PLANTS), program.folder, *names],
        {"TMPDIR": str(program.folder)},
    )
    assert planted.stdout is not None
    # There was nothing to be put away.
    assert planted.stdout.readline() == f"planted {len(names)}\n"
    for _ in range(3):
        assert program.maps_again() == [str(victim.uid)]
    said, _ = planted.communicate(timeout=30)
    assert said == "came 0\n"
    assert files_of(victim, program.folder) == before


def test_a_planted_folder_that_is_there_before_the_program_changes_nothing(
    users: tuple[User, User], temporary: Path, begin: Callable[..., Attacked]
) -> None:
    victim, attacker = users
    before = files_of(victim, temporary)
    names = ["gridengine-01234567", "gridengine", "dispatcher"]
    planted = attacker.start([attacker.python, attacker.program(PLANTS), temporary, *names])
    assert planted.stdout is not None
    assert planted.stdout.readline() == f"planted {len(names)}\n"
    program = begin(fresh=True)
    assert program.maps_again() == [str(victim.uid)]
    said, _ = planted.communicate(timeout=30)
    assert said == "came 0\n"
    path = for_viewers(program)
    own = {path, *map(str, list(Path(path).parents)[:2])}
    assert files_of(victim, temporary) - before - own == {program.source}


def test_workers_of_a_killed_program_end_though_folders_are_planted(
    users: tuple[User, User], temporary: Path
) -> None:
    victim, attacker = users
    program = Attacked(victim, temporary, fresh=False)
    planted = attacker.run(
        [attacker.python, attacker.program(PLANTS), temporary, "gridengine-01234567"],
        stdin=subprocess.DEVNULL,
    )
    assert "planted 1" in planted.stdout
    family = [psutil.Process(pid) for pid in program.pids]
    family[0].kill()
    assert program.end() == -9
    wait_until(lambda: not any(each.is_running() for each in family[1:]), what="all are gone")
    # Nothing was there of which it could have removed something else.
    assert sorted(os.listdir(temporary)) == ["gridengine-01234567"]
