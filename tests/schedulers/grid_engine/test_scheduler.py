"""The session and its process, with a stand-in for the binding of libdrmaa."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gridengine.errors import SchedulerUnavailable
from gridengine.schedulers.events import Ended, Notice, Refused, Stuck
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
from gridengine.states import DeathCause

from ...waiting import wait_until
from ..conftest import StandIn, Talk, process_of

Open = Callable[..., Talk]

pytestmark = pytest.mark.usefixtures("stand_in")


def test_queue_jobs_are_submitted_run_and_end(talk: Open) -> None:
    one = talk()
    one.start("echo $JOB_ID.$SGE_TASK_ID", 3)
    names = one.submitted(3)
    assert ["1", "2", "3"] == [name.partition(".")[2] for name in names]
    for name in names:
        end = one.ended(name).end
        assert (0, DeathCause.EXITED) == (end.exitcode, end.cause)
        assert f"{name}\n" == (one.logs / f"{name}.log").read_text()


def test_the_template_of_a_queue_jobs_name_is_its_name(talk: Open) -> None:
    one = talk()
    one.start("echo $JOB_ID $SGE_TASK_ID")
    [name] = one.submitted()
    one.ended(name)
    job, task = (one.logs / f"{name}.log").read_text().split()
    made = GridEngineScheduler.queue_job_template.format(JOB_ID=job, SGE_TASK_ID=task)
    assert name == made


@pytest.mark.parametrize(
    ("script", "exitcode", "cause"),
    [
        ("exit 7", 7, DeathCause.EXITED),
        ("kill -SEGV $$", -11, DeathCause.CRASHED),
        ("kill -KILL $$", -9, DeathCause.KILLED),
    ],
)
def test_the_end_says_what_happened(
    talk: Open, script: str, exitcode: int, cause: DeathCause
) -> None:
    one = talk()
    one.start(script)
    [name] = one.submitted()
    end = one.ended(name).end
    assert (exitcode, cause) == (end.exitcode, end.cause)
    assert end.detail.startswith("DRMAA: ")


def test_arguments_arrive_as_they_are(talk: Open) -> None:
    odd = ["a b", "q\"'$HOME", "ü", ""]
    one = talk()
    script = "import sys; print(sys.argv[1:])"
    one.session.start(
        1, [sys.executable, "-c", script, *odd], 1, name="", resources={}, logs=str(one.logs)
    )
    [name] = one.submitted()
    one.ended(name)
    assert f"{odd}\n" == (one.logs / f"{name}.log").read_text()


def test_stop_ends_running_and_pending_and_ignores_the_rest(talk: Open, stand_in: StandIn) -> None:
    one = talk()
    one.start("exec /bin/sleep 60", 2)
    one.submitted(2)
    stand_in.trouble(hold=True)
    one.start("exec /bin/sleep 60", 3)
    names = one.submitted(5)
    one.session.stop([names[0], names[3], "99.1"])
    for name in (names[0], names[3]):
        assert one.ended(name).end.cause is DeathCause.KILLED
    assert 2 == len(one.hear(Ended, 2))


def test_what_cannot_be_asked_for_is_refused_in_words(talk: Open, stand_in: StandIn) -> None:
    one = talk()
    one.start("exit 0", h_rt="1 2")
    stand_in.trouble(deny='unknown resource "foo"')
    one.start("exit 0")
    one.session.start(9, ["true"], 1, name="", resources={}, logs="/a:b")
    one.session.start(10, ["true", "a\nb"], 1, name="", resources={}, logs=str(one.logs))
    refused = {event.batch: event.reason for event in one.hear(Refused, 4)}
    assert 'unknown resource "foo"' == refused[2]
    assert "' '" in refused[1]
    assert "':'" in refused[9]
    assert r"cuts off an argument at '\n'" in refused[10]


def test_an_array_above_the_sites_limit_is_split(talk: Open, stand_in: StandIn) -> None:
    stand_in.trouble(max_tasks=4)
    one = talk()
    one.start("exit 0", 10)
    assert 10 == len(set(one.submitted(10)))
    one.hear(Ended, 10)


@pytest.mark.parametrize("try_later", [False, True])
def test_above_the_limit_of_jobs_it_waits_for_earlier_ones(
    talk: Open, stand_in: StandIn, try_later: bool
) -> None:
    stand_in.trouble(max_jobs=1, try_later=try_later)
    one = talk()
    one.start("exec /bin/sleep 60")
    [name] = one.submitted()
    one.start("exit 0")
    [notice] = one.hear(Notice)
    assert "only 1 jobs are allowed per user" in notice.text
    one.session.stop([name])
    one.ended(one.submitted(2)[1])


def test_a_master_that_is_away_is_waited_for(talk: Open, stand_in: StandIn) -> None:
    one = talk()
    one.start("exec /bin/sleep 60")
    [name] = one.submitted()
    stand_in.trouble(down=True)
    one.start("exit 0")
    [lost] = one.hear(Notice)
    assert 'unable to send message to qmaster using port 6444 on host "master"' in lost.text
    one.session.stop([name])
    stand_in.trouble()
    one.ended(one.submitted(2)[1])
    one.ended(name)
    assert 2 == len(one.hear(Notice, 2))


def test_a_master_that_is_away_at_first_is_waited_for(talk: Open, stand_in: StandIn) -> None:
    stand_in.trouble(down=True)
    one = talk()
    one.start("exit 0")
    one.hear(Notice)
    stand_in.trouble()
    one.ended(one.submitted()[0])


def test_a_master_that_never_answers_refuses(stand_in: StandIn) -> None:
    stand_in.trouble(down=True)
    with pytest.raises(SchedulerUnavailable, match="unable to send message to qmaster"):
        GridEngineScheduler().probe()


def test_a_master_that_hangs_is_not_waited_for(stand_in: StandIn) -> None:
    stand_in.trouble(hang=True)
    with pytest.raises(SchedulerUnavailable, match=r"not answered within 0\.5 s"):
        GridEngineScheduler().probe(0.5)


def test_the_probe_names_the_system() -> None:
    assert "SGE 0" == GridEngineScheduler().probe()


def test_a_queue_job_that_never_ran_says_so(talk: Open, stand_in: StandIn) -> None:
    stand_in.trouble(broken=True)
    one = talk()
    one.start("exit 0")
    [name] = one.submitted()
    end = one.ended(name).end
    assert end.exitcode is None
    assert 0 == end.wall_time
    assert end.cause is not DeathCause.EXITED


_EQW = """
case $1 in
-j) echo 'error reason          1:      11/21/2026 01:05:49 [0:7]: no such folder' ;;
*) echo '<a><job_list><JB_job_number>%s</JB_job_number><tasks>1</tasks><state>Eqw</state>'
   echo '</job_list><job_list><JB_job_number>%s</JB_job_number><tasks>2</tasks>'
   echo '<state>qw</state></job_list></a>' ;;
esac"""


def test_a_queue_job_in_eqw_is_told_of_and_can_be_stopped(talk: Open, stand_in: StandIn) -> None:
    stand_in.trouble(hold=True)
    one = talk()
    one.start("exit 0", 2)
    name, other = one.submitted(2)
    job = name.partition(".")[0]
    stand_in.command("qstat", _EQW % (job, job))
    assert [Stuck(name, "no such folder")] == one.hear(Stuck)
    one.session.stop([name])
    assert one.ended(name).end.cause is DeathCause.KILLED
    assert other not in {event.queue_job for event in one.hear(Ended)}


def test_one_that_drmaa_takes_for_ended_but_is_in_eqw_is_not_over(
    talk: Open, stand_in: StandIn
) -> None:
    stand_in.trouble(broken=True)
    one = talk()
    job = 1000 * process_of(one.session) + 1  # as the stand-in numbers them
    stand_in.command("qstat", _EQW % (job, job))
    one.start("exit 0")
    name = f"{job}.1"
    assert [Stuck(name, "no such folder")] == one.hear(Stuck)
    assert not [event for event in one.heard if isinstance(event, Ended)]
    stand_in.trouble()
    one.session.stop([name])
    assert one.ended(name).end.cause is DeathCause.KILLED


def test_close_ends_all_and_is_idempotent(talk: Open, stand_in: StandIn) -> None:
    one = talk()
    one.start("exec /bin/sleep 60", 3)
    one.submitted(3)
    children = psutil.Process(process_of(one.session)).children()
    assert 3 == len(children)
    one.session.close()
    one.session.close()
    assert not any(child.is_running() for child in children)
    assert not list((stand_in.folder.parent / "run" / "sessions").iterdir())


def test_the_registry_lists_what_may_be_in_the_queue(talk: Open, stand_in: StandIn) -> None:
    one = talk()
    one.start("exec /bin/sleep 60", 3)
    one.submitted(3)
    folder = stand_in.folder.parent / "run" / "sessions"
    assert 0o700 == folder.stat().st_mode & 0o777
    [file] = wait_until(lambda: list(folder.iterdir()), what="a registry")
    assert 0o600 == file.stat().st_mode & 0o777
    noted = json.loads(file.read_text())
    assert (os.getpid(), str(stand_in.folder)) == (noted["program"]["pid"], noted["SGE_ROOT"])
    assert [3] == [array["tasks"] for array in noted["queue_jobs"].values()]


def test_a_session_process_that_dies_is_replaced(talk: Open, stand_in: StandIn) -> None:
    one = talk()
    one.start("exec /bin/sleep 60")
    [name] = one.submitted()
    stand_in.trouble(crash=True)
    one.start("exit 0")
    one.hear(Notice)
    stand_in.trouble()
    one.ended(one.submitted(2)[1])
    # The stand-in remembers nothing of the queue jobs of another process.
    assert one.ended(name).end.cause is DeathCause.UNKNOWN
    _kill_strays(one.logs)


def test_a_session_process_that_dies_again_and_again_is_given_up(
    talk: Open, stand_in: StandIn
) -> None:
    one = talk()
    one.start("exit 0")
    one.ended(one.submitted()[0])
    stand_in.trouble(crash=True)
    one.start("exit 0")
    [refused] = one.hear(Refused)
    assert "SIGSEGV" in refused.reason
    one.start("exit 0")
    assert 2 == len(one.hear(Refused, 2))


_PROGRAM = """
import os, sys, time
from pathlib import Path
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
session = GridEngineScheduler().open()
session.start(1, ["/bin/sleep", "60"], 2, name="x", resources={}, logs=sys.argv[1])
while not session.events():
    time.sleep(0.01)
if "fork" in sys.argv and os.fork() == 0:
    time.sleep(30)
    os._exit(0)
print(session.process_id, flush=True)
# Python sees a signal that comes just before a sleep only when that is over.
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("how", ["plain", "fork"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_program_dies_its_queue_jobs_are_deleted(
    tmp_path: Path, stand_in: StandIn, how: str, number: signal.Signals
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path), how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        assert program.stdout is not None
        session = psutil.Process(int(program.stdout.readline()))
        jobs = session.children()
        assert 2 == len(jobs)
        program.send_signal(number)
        program.wait(10)
        wait_until(
            lambda: all(map(_gone, (session, *jobs))),
            what="the session process and its queue jobs are gone",
        )
        assert not list((tmp_path / "run" / "sessions").iterdir())
    finally:
        assert program.stdout is not None
        program.stdout.close()
        os.killpg(program.pid, signal.SIGKILL) if how == "fork" else None


def test_two_sessions_do_not_know_each_other(talk: Open) -> None:
    one, other = talk(), talk()
    one.start("exec /bin/sleep 60")
    other.start("exec /bin/sleep 60")
    [name], [others] = one.submitted(), other.submitted()
    other.session.stop([name])
    other.session.stop([others])
    other.ended(others)
    one.session.stop([name])
    one.ended(name)
    assert 1 == len(one.hear(Ended)) == len(other.hear(Ended))


@pytest.mark.usefixtures("stand_in")
def test_settings_and_arguments_limit_the_queue_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_QUEUE_JOBS", "17")
    assert 17 == GridEngineScheduler().max_queue_jobs
    assert 3 == GridEngineScheduler(max_workers=3).max_queue_jobs
    with pytest.raises(ValueError, match="max_workers"):
        GridEngineScheduler(max_workers=0)


def test_repr_says_how_to_make_it_again() -> None:
    made = GridEngineScheduler(queue="all.q", max_workers=2, h_rt=60)
    assert "GridEngineScheduler(queue='all.q', h_rt='60', max_workers=2)" == repr(made)


def _gone(process: psutil.Process) -> bool:
    try:
        # Whoever adopted it may take its time.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _kill_strays(logs: Path) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(file.path.startswith(str(logs)) for file in process.open_files()):
                process.kill()


def test_where_queue_jobs_cannot_be_noted_that_is_said_once(talk: Open, tmp_path: Path) -> None:
    sessions = tmp_path / "run" / "sessions"
    sessions.mkdir(0o700, parents=True)
    (tmp_path / "run").chmod(0o700)
    sessions.chmod(0o755)
    one = talk()
    for _ in range(2):
        one.start("true")
    for name in one.submitted(2):
        one.ended(name)
    (said,) = [n.text for n in one.hear(Notice) if "cannot be noted" in n.text]
    assert f"chmod go-rwx {sessions}, or" in said
