"""``gridengine reap`` is not misled: by what others have planted, nor by what only looks dead."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gridengine.cli import main as cli
from gridengine.cli import reap as reaper
from gridengine.settings import Settings
from gridengine.transport import private_files
from gridengine.transport.process_identity import ProcessIdentity
from gridengine.transport.run_folders import RunFolder

from ..left_behind import (
    ANOTHER_TIME,
    contained,
    dead_program,
    fake_grid_engine,
    folder_of_a_dead_program,
    folder_of_a_program,
    needs_a_container,
    needs_another_time,
    session_file,
)
from ..two_users import User
from ..waiting import wait_until

# `reap` looks at all of the user's processes: those of other tests would be found, and ended.
pytestmark = pytest.mark.alone

#: As it is on disk before it is planted.
QUEUE_JOB = {"17": {"tasks": 1, "name": "gridengine", "time": time.time()}}


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    for name in ("SGE_ROOT", "SGE_CELL", "DRMAA_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("gridengine.schedulers.grid_engine.drmaa_library.find", lambda *_: None)
    private_files.make_folder(str(tmp_path / "run" / "sessions"))
    return tmp_path / "run"


@pytest.fixture
def reap(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def reap(*options: str, status: int = 0) -> str:
        assert status == cli.main(["reap", *options])
        return capsys.readouterr().out

    return reap


# ---------------------------------------------------------------------- files of sessions


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What a planted ``qstat`` leaves where it has been run."""
    return tmp_path / "mark"


@pytest.fixture
def planted(run_dir: Path, tmp_path: Path, mark: Path) -> Path:
    """A session's file that names an SGE_ROOT of somebody's."""
    root = fake_grid_engine(tmp_path / "root", mark)
    return session_file(run_dir, SGE_ROOT=str(root), queue_jobs=QUEUE_JOB)


def test_a_file_does_not_choose_whose_qstat_is_run(
    reap: Callable[..., str], planted: Path, mark: Path
) -> None:
    assert "it is of another Grid Engine (SGE_ROOT=" in reap()
    noted = json.loads(planted.read_text())
    elsewhere = {**noted["program"], "host": "elsewhere"}
    noted |= {"program": elsewhere, "session": elsewhere, "driver": "3.1"}
    private_files.write_file(str(planted), json.dumps(noted), replace=True)
    assert "it is of another Grid Engine (SGE_ROOT=" in reap()
    assert not mark.exists()
    assert planted.exists()


def test_the_users_own_environment_chooses_it(
    reap: Callable[..., str],
    planted: Path,
    mark: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So the mark would be there, had the planted one been run.
    monkeypatch.setenv("SGE_ROOT", str(tmp_path / "root"))
    assert "removed: file of session" in reap()
    assert mark.exists()


def test_another_cell_of_the_same_root_is_left_alone(
    reap: Callable[..., str], planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGE_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("SGE_CELL", "another")
    assert "SGE_CELL=default" in reap()
    assert planted.exists()


def _another_name(path: Path) -> None:
    (path.parent.parent / "another").hardlink_to(path)


def _link(path: Path) -> None:
    path.symlink_to(path.rename(path.parent.parent / "other"))


def _for_all_to_read(path: Path) -> None:
    path.chmod(0o644)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _in_a_folder_for_all(path: Path) -> None:
    path.parent.chmod(0o1777)


def _in_a_folder_that_is_a_link(path: Path) -> None:
    path.parent.symlink_to(path.parent.rename(path.parent.parent / "other"))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "plant",
    [
        _another_name, _link, _for_all_to_read, _fifo, _in_a_folder_for_all,
        _in_a_folder_that_is_a_link,
    ],
)  # fmt: skip
def test_a_file_that_somebody_could_have_planted_is_reported_and_not_believed(
    reap: Callable[..., str],
    planted: Path,
    mark: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[Path], None],
) -> None:
    monkeypatch.setenv("SGE_ROOT", str(tmp_path / "root"))
    plant(planted)
    assert "left alone: session" in reap(status=1)
    assert not mark.exists()
    assert os.path.lexists(planted)


@pytest.fixture
def site(users: tuple[User, User]) -> Path:
    """A folder in which everybody may write."""
    site = users[0].home.parent / f"site-{os.urandom(4).hex()}"
    site.mkdir()
    site.chmod(0o1777)
    return site


def reaped_by(user: User, run_dir: Path, **environ: str) -> str:
    command = [user.python, "-m", "gridengine", "reap"]
    return str(user.run(command, {"GRIDENGINE_RUN_DIR": str(run_dir), **environ}).stdout)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["hard link", "fifo"])
def test_another_user_plants_nothing_in_a_folder_for_all(
    users: tuple[User, User], site: Path, how: str
) -> None:
    victim, attacker = users
    mark = site / "mark"
    root = fake_grid_engine(site / "root", mark)
    sessions = site / "run" / "sessions"
    victim.run(["mkdir", "-p", sessions])
    victim.run(["chmod", "1777", sessions])
    if how == "fifo":
        assert 0 == attacker.run(["mkfifo", "-m", "666", sessions / "some.json"]).returncode
    else:
        # A file of the victim's, by a link as anybody can make it with fs.protected_hardlinks=0.
        process = dead_program()._asdict()
        noted = {
            "program": process, "session": process, "driver": "", "queue_jobs": QUEUE_JOB,
            "SGE_ROOT": str(root), "SGE_CELL": "default", "host": process["host"], "since": 0.0,
        }  # fmt: skip
        download = victim.home / "download"
        download.write_text(json.dumps(noted))
        os.chown(download, victim.uid, victim.uid)
        (sessions / "some.json").hardlink_to(download)
    told = reaped_by(victim, site / "run", SGE_ROOT=str(root))
    assert f"sessions: {sessions} belongs to user {victim.uid} with mode 1777" in told
    assert not mark.exists()


# ---------------------------------------------------------------------- folders


def test_a_folder_that_is_renamed_to_a_programs_stays(
    reap: Callable[..., str], run_dir: Path
) -> None:
    dead = folder_of_a_dead_program(run_dir)
    thesis = dead.with_name(f"{dead.name}a")
    thesis.mkdir(0o700)
    (thesis / "chapter").touch()
    copied = Path(shutil.copytree(dead, dead.with_name(f"{dead.name}b")))
    link = dead.with_name(f"{dead.name}c")
    link.symlink_to(thesis)
    told = reap()
    assert f"removed: folder {dead}, whose" in told
    assert f"folder {thesis}: it does not say which program's it is; if its program" in told
    assert f"folder {copied}: it is not the folder that its program has made" in told
    assert f"folder {link}: {link} is no folder, or a link to one" in told
    assert (thesis / "chapter").exists()
    assert (copied / "launch-0-1").exists()


def test_what_takes_the_place_of_a_folder_before_it_is_removed_stays(run_dir: Path) -> None:
    dead = folder_of_a_dead_program(run_dir)
    (finding,) = reaper.findings(Settings.read())
    assert finding.verb == "remove"
    kept = dead.rename(run_dir / "kept")
    dead.symlink_to("kept")
    with pytest.raises(OSError, match="is not the folder any more"):
        finding.act()
    assert (kept / "launch-0-1").exists()


def test_of_a_folder_in_which_something_is_others_it_is_said_what_is_left(
    users: tuple[User, User], reap: Callable[..., str], run_dir: Path
) -> None:
    dead = folder_of_a_dead_program(run_dir)
    (dead / "theirs").touch()
    os.chown(dead / "theirs", users[0].uid, -1)
    left = f"{dead}/theirs (it belongs to user {users[0].uid})"
    assert f"could not remove: folder {dead}, whose program is gone: not all of it: {left}\n" in (
        reap(status=1)
    )
    assert [dead / "theirs"] == list(dead.iterdir())


def test_a_run_folder_that_others_could_replace_is_reported(
    users: tuple[User, User], site: Path
) -> None:
    victim, _ = users
    make = f"from gridengine.transport.run_folders import RunFolder; RunFolder.make('{site}/run')"
    assert "" == victim.run_python(make).stdout
    assert "removed: folder" in reaped_by(victim, site / "run")
    assert "" == victim.run_python(make).stdout
    site.chmod(0o777)
    assert f"run folders: {site} can be written by everybody" in reaped_by(victim, site / "run")
    assert 1 == len(list((site / "run").iterdir()))


# ---------------------------------------------------------------------- processes

#: In the place of a supervisor, of which only the command counts: says that it is there, and has
#: a child with the same one, which ends with it.
SUPERVISOR = """
import os, time
supervisor = os.getpid()
if os.fork():
    print(supervisor, flush=True)
    time.sleep(60)
while os.getppid() == supervisor:
    time.sleep(0.01)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    return supervisor_in(tmp_path)


def supervisor_in(place: Path) -> Path:
    folder = place / "gridengine" / "worker"
    folder.mkdir(parents=True)
    (folder / "__main__.py").write_text(SUPERVISOR)
    return folder


@contextlib.contextmanager
def running(command: list[Any], **options: Any) -> Iterator[psutil.Process]:
    """A process in a session of its own, which ends with all that it has started."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    )
    family = [psutil.Process(process.pid)]
    try:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        yield psutil.Process(pid) if pid != process.pid and psutil.pid_exists(pid) else family[0]
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += family[0].children(recursive=True)
        for each in family[::-1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        process.communicate(timeout=20)


def runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def test_a_supervisor_whose_program_is_gone_is_ended_and_its_workers_are_not_counted(
    reap: Callable[..., str], worker: Path
) -> None:
    with running([sys.executable, worker, str(dead_program().pid)]) as supervisor:
        (child,) = supervisor.children()
        told = reap("--dry-run")
        assert f"would end: supervisor {supervisor.pid}, whose program is gone" in told
        assert f"supervisor {child.pid}" not in told
        assert runs(supervisor)
        assert f"ended: supervisor {supervisor.pid}" in reap()
        assert not runs(supervisor)
        wait_until(lambda: not runs(child), what="its worker is gone")


def test_the_supervisor_of_a_living_program_is_not(reap: Callable[..., str], worker: Path) -> None:
    with running([sys.executable, worker, str(os.getpid())]) as supervisor:
        assert "nothing was left behind\n" == reap()
        assert runs(supervisor)


def test_by_its_start_a_program_is_told_from_one_that_only_has_its_number(
    reap: Callable[..., str], worker: Path
) -> None:
    # A process keeps its start when it runs another program.
    become = ["sh", "-c", 'echo $$; read number; exec "$0" "$1" "$number"', sys.executable, worker]
    before = subprocess.Popen(["sleep", "60"])
    with running(become) as younger, running(become) as older:
        began = max(ProcessIdentity.of(each.pid).start for each in (younger, older))
        ticks = os.sysconf("SC_CLK_TCK")
        wait_until(
            lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * ticks > began + 2, what="a tick"
        )
        after = subprocess.Popen(["sleep", "60"])
        try:
            _tell(younger, before.pid)
            _tell(older, after.pid)
            told = reap()
            assert f"ended: supervisor {older.pid}" in told
            assert f"supervisor {younger.pid}" not in told
            assert runs(younger)
        finally:
            for each in (before, after):
                each.kill()
                each.wait()


def _tell(process: psutil.Process, number: int) -> None:
    """Has a shell that waits for a number go on with it, and waits until it has a child."""
    with open(f"/proc/{process.pid}/fd/0", "w") as pipe:
        pipe.write(f"{number}\n")
    wait_until(process.children, what="the supervisor is there")


def test_a_process_of_another_user_is_not_taken_for_ones_own_whatever_rights_it_has(
    users: tuple[User, User], site: Path, reap: Callable[..., str]
) -> None:
    # As by a program with the setuid bit, to which anybody can give the command that he likes.
    _, attacker = users
    worker, fifo = supervisor_in(site), site / "fifo"
    os.mkfifo(fifo, 0o600)
    for argument in (str(dead_program().pid), str(fifo)):
        for ids in ((attacker.uid, 0, 0), (0, attacker.uid, 0)):
            become = f"import os, sys; os.setresuid{ids}; os.execv(sys.executable, sys.argv)"
            with running([attacker.python, "-c", become, worker, argument]) as supervisor:
                assert [str(worker), argument] == supervisor.cmdline()[1:]
                assert "nothing was left behind\n" == reap()
                assert runs(supervisor)


def test_what_only_starts_a_supervisor_is_none(reap: Callable[..., str], worker: Path) -> None:
    number = str(dead_program().pid)
    command = "echo $$; exec sleep 60 #"
    with running(["sh", "-c", command, sys.executable, str(worker), number]):
        assert "nothing was left behind\n" == reap()


def test_a_supervisor_has_its_interpreters_options(reap: Callable[..., str], worker: Path) -> None:
    options = ["-I", "-X", "dev", "-Wignore", "-W", "error"]
    with running([sys.executable, *options, worker, str(dead_program().pid)]) as supervisor:
        assert f"ended: supervisor {supervisor.pid}" in reap()


# ---------------------------------------------------------------------- containers


@pytest.fixture
def container() -> None:
    if reason := needs_a_container():
        pytest.skip(reason)


def test_what_belongs_to_a_program_in_a_container_is_left_alone(
    container: None, reap: Callable[..., str], run_dir: Path, worker: Path
) -> None:
    number = 4_000_000
    with folder_of_a_program(run_dir, container=number) as folder:
        program = RunFolder.read(str(folder)).program
        assert number + 1 == program.pid
        both = {"program": program._asdict(), "session": program._asdict()}
        session = session_file(run_dir, **both)
        with running(contained([sys.executable, str(worker), str(number)], number)) as inside:
            command = [sys.executable, str(worker), str(number)]
            every = inside.children(recursive=True)
            supervisor = next(each for each in every if each.cmdline() == command)
            told = reap()
            assert f"left alone: supervisor {supervisor.pid}: it is in another PID name" in told
            assert runs(supervisor)
        for what in (f"session {program.pid} of", f"folder {folder}: it is of another PID"):
            assert f"left alone: {what}" in told
        assert (folder / "program").exists()
        assert session.exists()


def test_a_container_leaves_alone_what_belongs_to_the_host(
    container: None, run_dir: Path, worker: Path
) -> None:
    with folder_of_a_program(run_dir) as folder:
        program = RunFolder.read(str(folder)).program._asdict()
        session = session_file(run_dir, program=program, session=program)
        reaped = [sys.executable, "-m", "gridengine", "reap"]
        told = subprocess.check_output(
            contained(reaped, 4_000_000), cwd=Path(__file__).parents[2], text=True
        )
        assert 2 == told.count("another PID namespace")
        assert "nothing was left behind" in told
        assert (folder / "program").exists()
        assert session.exists()


def test_what_belongs_to_a_program_in_another_time_namespace_is_left_alone(
    reap: Callable[..., str], run_dir: Path
) -> None:
    if reason := needs_another_time():
        pytest.skip(reason)
    # /proc says another start of the same process there, which looks like another process.
    reaped = [*ANOTHER_TIME, sys.executable, "-m", "gridengine", "reap"]
    around: list[str]
    for around, reaper_there in (([], True), (ANOTHER_TIME, False)):
        with folder_of_a_program(run_dir, around=around) as folder:
            program = RunFolder.read(str(folder)).program._asdict()
            session = session_file(run_dir, program=program, session=program)
            told = (
                subprocess.check_output(reaped, cwd=Path(__file__).parents[2], text=True)
                if reaper_there
                else reap()
            )
            assert f"left alone: folder {folder}: it is of another time namespace" in told
            assert f"left alone: session {program['pid']} of" in told
            assert (folder / "program").exists()
            assert session.exists()


# ---------------------------------------------------------------------- where it looks


def test_sessions_that_others_can_enter_are_told_with_what_to_do(
    reap: Callable[..., str], run_dir: Path
) -> None:
    (run_dir / "sessions").chmod(0o755)
    assert f"chmod go-rwx {run_dir}/sessions, or name" in reap(status=1)


def test_a_link_of_ones_own_to_the_folder_is_followed_where_nobody_else_can_replace_it(
    users: tuple[User, User], site: Path
) -> None:
    victim, attacker = users
    scratch = site / "scratch"
    make = "from gridengine.dispatcher.run_folder import new_shared_folder; new_shared_folder({!r})"
    assert 0 == victim.run(["ln", "-s", scratch, ".gridengine"]).returncode
    # What is missing is made where the link leads, and a second program removes the first's.
    for _ in range(2):
        assert "" == victim.run_python(make.format("")).stdout
        (folder,) = scratch.iterdir()
    assert f"removed: folder {folder}, whose" in reaped_by(victim, victim.home / ".gridengine")
    assert not list(scratch.iterdir())
    # Where others could replace the link, or have made it, it is not.
    for owner, name, folder_mode in ((victim, "own", 0o777), (attacker, "planted", 0o1777)):
        site.chmod(0o1777)
        assert 0 == owner.run(["ln", "-s", scratch, site / name]).returncode
        site.chmod(folder_mode)
        said = victim.run_python(make.format(str(site / name))).stdout
        assert "GridEngineError" in said
        assert f"who could replace {site / name}" in said
        assert f"who could replace {site / name}" in reaped_by(victim, site / name)
    site.chmod(0o1777)
    assert not list(scratch.iterdir())
