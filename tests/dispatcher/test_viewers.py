"""Those who watch a program: who gets in, what they are told, and what they cannot do to it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job
from gridengine.cli.reap import findings
from gridengine.dispatcher import viewer
from gridengine.observers import programs
from gridengine.observers.programs import ProgramGone, WatchedProgram
from gridengine.observers.watching import WatchedPrograms
from gridengine.schedulers import ProcessScheduler
from gridengine.settings import Settings
from gridengine.transport import private_files, viewer_messages

from .. import targets
from ..programs_to_watch import running, the_scheduler, watched
from ..two_users import User
from ..waiting import wait_until


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run"
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(path))
    return path


@pytest.fixture
def scheduler(run_dir: Path) -> Iterator[ProcessScheduler]:
    with ProcessScheduler(1) as made:
        assert gridengine.map(abs, [-1], scheduler=made) == [1]
        yield made


def sockets(run_dir: Path) -> list[Path]:
    return list((run_dir / "programs").glob("*.socket"))


def the_socket(run_dir: Path) -> Path:
    wait_until(lambda: sockets(run_dir), what="there is a socket")
    (path,) = sockets(run_dir)
    return path


def _framed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def connected(path: Path) -> socket.socket:
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(20)
    # By a short name, wherever it lies.
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        end.connect(path.name)
    finally:
        os.chdir(before)
    return end


def opened(path: Path) -> WatchedProgram:
    place = private_files.open_folder(str(path.parent))
    try:
        return WatchedProgram(place, str(path))
    finally:
        os.close(place)


def is_told_of_a_job(scheduler: ProcessScheduler, programs: WatchedPrograms) -> bool:
    watched = the_scheduler(programs)
    before = watched.view.done
    job = Job(target=targets.square, args=(3,), scheduler=scheduler)
    job.start()
    assert job.result == 9
    wait_until(
        lambda: programs.listen(0.2) or watched.view.done > before, what="the job is told of"
    )
    return True


# -- who gets in ------------------------------------------------------------------------------


def test_the_socket_is_its_owners_alone(scheduler: ProcessScheduler, run_dir: Path) -> None:
    path = the_socket(run_dir)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_where_programs_let_nobody_watch_them_it_is_said_why(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(private_files.NotPrivate, match="chmod go-rwx"):
        list(programs.find(str(tmp_path)))


def test_another_user_is_sent_away(users: tuple[User, User]) -> None:
    owner, other = users
    program = (
        "import gridengine, os, sys\n"
        "s = gridengine.schedulers.ProcessScheduler(1)\n"
        "gridengine.map(abs, [1], scheduler=s)\n"
        "print('open', flush=True); sys.stdin.readline(); s.close()\n"
    )
    process = owner.start([owner.python, owner.program(program)])
    folder = owner.home / ".gridengine" / "programs"
    wait_until(lambda: list(folder.glob("*.socket")), what="there is a socket")
    (path,) = folder.glob("*.socket")
    # As if the owner had opened the way to it: what counts is who is at the other end.
    for each in (owner.home, folder.parent, folder):
        each.chmod(0o711)
    path.chmod(0o666)
    attack = (
        "import socket\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(20)\n"
        f"s.connect({str(path)!r}); print(s.recv(100))\n"
    )
    try:
        assert other.run_python(attack).stdout == "b''\n"
        found = owner.run([owner.python, "-m", "gridengine", "status"])
        assert found.returncode == 1
        assert "chmod go-rwx" in found.stdout
        for each in (owner.home, folder.parent, folder):
            each.chmod(0o700)
        found = owner.run([owner.python, "-m", "gridengine", "status"])
        assert f"process {process.pid}" in found.stdout or "1 worker" in found.stdout
    finally:
        process.communicate("\n", timeout=40)


def test_a_long_path_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_dir = tmp_path / ("long" * 40)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(run_dir))
    with ProcessScheduler(1) as scheduler:
        assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
        with watched(run_dir) as programs:
            assert is_told_of_a_job(scheduler, programs)


def test_more_than_enough_viewers_are_sent_away_and_harm_nobody(
    scheduler: ProcessScheduler, run_dir: Path
) -> None:
    path = the_socket(run_dir)
    with contextlib.ExitStack() as stack:
        let_in = 0
        for _ in range(30):
            try:
                stack.callback(opened(path).close)
                let_in += 1
            except ProgramGone:
                pass
        assert let_in == 20
        silent: dict[str, float] = {}
        assert list(programs.find(str(run_dir), silent=silent.__setitem__)) == []
        assert list(silent) == [str(path)]
        assert gridengine.map(targets.square, range(100), scheduler=scheduler)[-1] == 99 * 99
    # A moment after they have left there is room again.
    names = lambda: [thread.name for thread in threading.enumerate()]  # noqa: E731
    wait_until(lambda: "gridengine-viewer" not in names(), what="they are gone")
    with watched(run_dir) as found:
        assert is_told_of_a_job(scheduler, found)


def test_where_no_descriptor_is_left_nobody_is_let_in_and_jobs_go_on(tmp_path: Path) -> None:
    code = """
    import resource
    s = gridengine.schedulers.ProcessScheduler(1)
    gridengine.map(abs, [1], scheduler=s)
    while not os.path.isdir("run/programs") or not os.listdir("run/programs"):
        time.sleep(0.01)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open("/", os.O_RDONLY))
    except OSError:
        pass
    os.mkdir("taken")
    while not os.path.exists("came"):
        assert gridengine.map(abs, [-1], scheduler=s) == [1]
    for each in taken:
        os.close(each)
    hold(1)
    """
    with running(tmp_path, code) as process:
        wait_until((tmp_path / "taken").exists, what="all are taken")
        with contextlib.closing(connected(the_socket(tmp_path / "run"))):
            (tmp_path / "came").touch()
            with watched(tmp_path / "run") as found:
                assert the_scheduler(found).facts.pid == process.pid


# -- what they say ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 0xFFFFFFFF) + b"x" * 100,
        struct.pack(">I", 5) + b"\xc1" * 5,
        struct.pack(">I", 0),
        struct.pack(">I", 4) + b"\x93\x01\x02\x03",
        _framed(b"\x95\xa8question\x01\xa5stack\x01" + b"\x91" * 3900 + b"\x00"),
        random.Random(1).randbytes(100_000),
    ],
    ids=["http", "too long", "no msgpack", "empty", "no question", "too deep", "random"],
)
def test_who_sends_garbage_is_let_go(
    scheduler: ProcessScheduler, run_dir: Path, garbage: bytes
) -> None:
    with contextlib.closing(connected(the_socket(run_dir))) as end:
        with contextlib.suppress(OSError):
            end.sendall(garbage)
        with contextlib.suppress(ConnectionError):
            while end.recv(1 << 16):
                pass
    with watched(run_dir) as found:
        assert is_told_of_a_job(scheduler, found)


def test_a_question_about_no_job_has_an_answer(scheduler: ProcessScheduler, run_dir: Path) -> None:
    path = the_socket(run_dir)
    for what in ("stack", "output", "end"):
        with pytest.raises(LookupError, match="no job of this program has the number 12345"):
            programs.ask(str(path), what, 12345)


def test_a_name_that_is_no_text_is_told_as_an_escape(
    scheduler: ProcessScheduler, run_dir: Path
) -> None:
    with watched(run_dir) as found:
        watched_one = the_scheduler(found)
        job = Job(target=abs, args=(1,), name="odd\udcff", scheduler=scheduler)
        job.start()
        job.join()
        wait_until(
            lambda: found.listen(0.2) or "odd\\udcff" in watched_one.view.jobs,
            what="the job is told of",
        )


# -- those who take nothing -------------------------------------------------------------------


def test_viewers_that_never_read_hold_up_neither_jobs_nor_the_end(run_dir: Path) -> None:
    with contextlib.ExitStack() as stack:
        with ProcessScheduler(1) as scheduler:
            assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
            path = the_socket(run_dir)
            for _ in range(8):
                stack.callback(connected(path).close)
            jobs = [
                Job(target=abs, args=(1,), name="x" * 1000, scheduler=scheduler)
                for _ in range(1000)
            ]
            for job in jobs:
                job.start()
            assert [job.result for job in jobs] == [1] * 1000
            begin = time.monotonic()
        assert time.monotonic() - begin < 10.0
        assert sockets(run_dir) == []


def test_a_viewer_that_takes_less_than_happens_is_let_go(
    scheduler: ProcessScheduler, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "_BACKLOG", 500)
    with contextlib.closing(connected(the_socket(run_dir))) as end:
        # As long as a socket holds what is sent, nobody waits.
        jobs = [
            Job(target=abs, args=(1,), name="x" * 10_000, scheduler=scheduler) for _ in range(3000)
        ]
        for job in jobs:
            job.start()
        assert [job.result for job in jobs] == [1] * 3000
        with contextlib.suppress(ConnectionError):
            while end.recv(1 << 20):
                pass
    with watched(run_dir) as found:
        assert is_told_of_a_job(scheduler, found)


# -- the end ----------------------------------------------------------------------------------


def test_the_last_that_happens_is_told_when_a_scheduler_closes(run_dir: Path) -> None:
    with watched(run_dir) as found:
        with ProcessScheduler(1) as scheduler:
            assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
            watched_one = the_scheduler(found)
            assert gridengine.map(targets.square, range(500), scheduler=scheduler)[1] == 1
        wait_until(lambda: found.listen(0.2) or watched_one.gone, what="the end is noticed")
        assert watched_one.view.done == 501
        assert found.programs() == []
    assert sockets(run_dir) == []


def test_what_a_killed_program_has_left_is_removed(tmp_path: Path) -> None:
    code = "gridengine.map(hold, range(4))"
    with running(tmp_path, code) as process, watched(tmp_path / "run") as found:
        watched_one = the_scheduler(found)
        process.kill()
        process.wait()
        wait_until(lambda: found.listen(0.2) or watched_one.gone, what="its end is noticed")
        assert sockets(tmp_path / "run") != []
        assert list(found.search()) == []
        assert sockets(tmp_path / "run") == []


def test_the_next_program_removes_what_a_killed_one_has_left(tmp_path: Path) -> None:
    with running(tmp_path, "gridengine.map(hold, range(4))") as process:
        left = the_socket(tmp_path / "run")
        process.kill()
        process.wait()
    (tmp_path / "go").unlink()
    with running(tmp_path, "gridengine.map(hold, range(4))") as process:
        wait_until(lambda: left not in sockets(tmp_path / "run"), what="it is removed")
        assert viewer_messages.pid_of(str(the_socket(tmp_path / "run"))) == process.pid


def test_reap_removes_what_a_killed_program_has_left_and_nothing_else(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    code = "gridengine.map(hold, range(4))"
    with running(tmp_path, code) as killed, running(tmp_path, code) as alive:
        wait_until(lambda: len(sockets(run_dir)) == 2, what="there are sockets")
        killed.kill()
        killed.wait()
        found = [each for each in findings(Settings(run_dir=str(run_dir))) if "socket" in each.what]
        assert [(each.verb, str(killed.pid) in each.what) for each in found] == [("remove", True)]
        found[0].act()
        assert viewer_messages.pid_of(str(the_socket(run_dir))) == alive.pid


@pytest.mark.parametrize("removes", ["reap", "the next program"])
def test_a_socket_that_a_killed_program_had_not_finished_is_removed(
    tmp_path: Path, removes: str
) -> None:
    folder = tmp_path / "run" / "programs"
    killed_at = """
    os.rename = lambda *names: os.kill(os.getpid(), 9)
    gridengine.map(hold, range(1))
    """
    with running(tmp_path, killed_at) as process:
        process.wait()
    (left,) = folder.iterdir()
    assert left.suffix == ""
    if removes == "reap":
        found = findings(Settings(run_dir=str(tmp_path / "run")))
        (finding,) = [each for each in found if str(left) in each.what]
        finding.act()
    else:
        (tmp_path / "go").unlink()
        with running(tmp_path, "gridengine.map(hold, range(1))"):
            the_socket(tmp_path / "run")
    assert not left.exists()


def test_a_stopped_program_is_silent_and_is_found_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_PATIENCE", 0.5)
    with running(tmp_path, "gridengine.map(hold, range(4))") as process:
        the_socket(tmp_path / "run")
        os.kill(process.pid, signal.SIGSTOP)
        try:
            with watched(tmp_path / "run") as found:
                found.add(found.search())
                assert found.programs() == []
                assert found.silent == [process.pid]
        finally:
            os.kill(process.pid, signal.SIGCONT)
        with watched(tmp_path / "run") as found:
            assert the_scheduler(found).facts.pid == process.pid


def test_a_fork_of_the_program_lets_nobody_in(tmp_path: Path) -> None:
    code = """
    s = gridengine.schedulers.ProcessScheduler(1)
    gridengine.map(abs, [1], scheduler=s)
    while not os.path.isdir("run/programs") or not os.listdir("run/programs"):
        time.sleep(0.01)
    child = os.fork()
    if not child:
        open("forked", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
        os._exit(0)
    hold(1)
    os.waitpid(child, 0)
    """
    with running(tmp_path, code) as process:
        wait_until((tmp_path / "forked").exists, what="there is a fork")
        process.kill()
        process.wait()
        assert list(programs.find(str(tmp_path / "run"))) == []
        assert sockets(tmp_path / "run") == []


@pytest.mark.parametrize("end", ["s.close()", "os.kill(os.getpid(), 9)"])
def test_a_program_that_has_forked_while_it_was_watched_is_seen_to_end(
    tmp_path: Path, end: str
) -> None:
    code = f"""
    s = gridengine.schedulers.ProcessScheduler(1)
    gridengine.map(abs, [1], scheduler=s)
    while not os.path.exists("seen"):
        time.sleep(0.01)
    child = os.fork()
    if not child:
        while not os.path.exists("go"):
            time.sleep(0.01)
        os._exit(0)
    {end}
    os.waitpid(child, 0)
    """
    with running(tmp_path, code), watched(tmp_path / "run") as found:
        watched_one = the_scheduler(found)
        (tmp_path / "seen").touch()
        try:
            wait_until(lambda: found.listen(0.2) or watched_one.gone, what="its end is noticed")
        finally:
            (tmp_path / "go").touch()


# -- what is asked ----------------------------------------------------------------------------


def test_output_stack_and_end_of_a_running_call(tmp_path: Path) -> None:
    code = """
    try:
        gridengine.map(hold, [7, 8], chunksize=1)
    except gridengine.JobCancelled as error:
        open("cancelled", "w").write(str(error))
    """
    with running(tmp_path, code) as process:
        with watched(tmp_path / "run") as found:
            watched_one = the_scheduler(found)

            def task() -> int:
                found.listen(0.2)
                tasks = [key[0] for w in watched_one.view.workers.values() for key in w.running]
                return min(tasks, default=0)

            number = wait_until(task, what="a call runs")
            ask = lambda what: programs.ask(watched_one.path, what, number)  # noqa: E731
            wait_until(lambda: "holding 7\n" in ask("output"), what="its output is told")
            wait_until(lambda: "in hold" in ask("stack"), what="its stack is told")
            assert "is asked to end" in ask("end")
        process.wait(timeout=40)
        assert "ended" in (tmp_path / "cancelled").read_text()
