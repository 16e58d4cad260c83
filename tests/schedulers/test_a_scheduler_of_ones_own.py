"""The scheduler of docs/howto/writing-a-scheduler.md keeps what that page says of one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.schedulers import Scheduler
from gridengine.schedulers.plugin import Ended, Event, Refused, Submitted
from gridengine.testing.fixtures import ContractFixtures
from gridengine.testing.sessions import SessionContract

from ..hosts_scheduler import HERE, Make, hosts_scheduler, in_modules, made, source
from ..waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The schedulers of the page, each in a module: what is sent elsewhere is found there."""
    with in_modules(tmp_path_factory.mktemp("modules")):
        yield


@pytest.fixture(scope="module")
def make() -> Make:
    return hosts_scheduler()


class TestHosts(ContractFixtures, SessionContract):
    def make_scheduler(self) -> Scheduler:
        return made("HostsScheduler")(["one", "two", "three"], workers=2, command=HERE)


class TestBackground(ContractFixtures, SessionContract):
    def make_scheduler(self) -> Scheduler:
        maker: Any = made("BackgroundScheduler")
        maker.polls = (0.1, 0.5)
        return maker(max_workers=3)


def square(x: int) -> int:
    return x * x


def test_a_map_is_right_on_several_hosts(make: Make) -> None:
    with make(["one", "two"], workers=2, command=HERE) as scheduler:
        got = gridengine.map(square, range(1000), scheduler=scheduler)
    assert got == [x * x for x in range(1000)]


def test_it_may_be_used_again_when_it_was_closed(make: Make) -> None:
    scheduler = make(["one"], command=HERE)
    for _ in range(2):
        with scheduler:
            assert gridengine.map(square, [3]) == [9]


def test_a_job_that_kills_its_worker_has_a_certificate_and_the_others_are_kept(make: Make) -> None:
    def crash(x: int) -> int:
        if x == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        return x

    with make(["one", "two"], command=HERE):
        got = gridengine.map(crash, range(5), reraise=False)
    assert [got[x] for x in (0, 1, 3, 4)] == [0, 1, 3, 4]
    died = got[2]
    assert isinstance(died, gridengine.JobDied)
    assert died.signal == "SIGSEGV"


def test_a_supervisor_that_is_killed_costs_its_job_no_attempt(make: Make, tmp_path: Path) -> None:
    def kill_it_once(path: str) -> str:
        try:
            with open(path, "x"):
                os.kill(os.getppid(), signal.SIGKILL)
                signal.pause()
        except FileExistsError:
            return "done"
        return "nobody was killed"

    with make(["one", "two"], command=HERE) as scheduler:
        job = gridengine.Job(
            target=kill_it_once, args=(str(tmp_path / "x"),), scheduler=scheduler, retries=0
        )
        job.start()
        assert job.result == "done"


def test_a_host_that_cannot_be_reached_fails_the_jobs_with_what_was_said(make: Make) -> None:
    nowhere = ("sh", "-c", 'echo "no route to $0" >&2; exit 255')
    with make(["one"], command=nowhere), pytest.raises(gridengine.SchedulerError) as caught:
        gridengine.map(square, [1])
    assert "no route to one" in str(caught.value)
    assert "status 255" in str(caught.value)


def test_a_command_that_is_not_there_is_an_error_that_names_it(make: Make) -> None:
    with (
        make(["one"], command=["no-such-program"]),
        pytest.raises(gridengine.SchedulerError, match="no-such-program cannot be started"),
    ):
        gridengine.map(square, [1])


def test_hosts_to_be_avoided_get_nothing_and_if_none_is_left_that_is_refused(
    make: Make, tmp_path: Path
) -> None:
    session = make(["one", "two"], command=HERE).open()
    for batch, avoid in ((1, ("one",)), (2, ("one", "two"))):
        session.start(batch, ["true"], 2, name="", resources={}, logs=str(tmp_path), avoid=avoid)
        heard: list[Event] = []
        while not heard or (batch == 1 and not isinstance(heard[-1], Ended)):
            assert select.select([session.fileno()], [], [], 20.0)[0]
            heard += session.events()
        if batch == 1:
            assert heard[0] == Submitted(1, ("1.1",))
        else:
            assert heard == [Refused(2, "no host is left of one, two")]
    session.close()


USES_IT = """
def work():
    print(os.getppid(), flush=True)
    open("supervisor.new", "w").write(str(os.getppid()))
    os.rename("supervisor.new", "supervisor")
    time.sleep(600)


import os, time, gridengine
with HostsScheduler(["one"], command=("sh", "-c", 'eval "$1"')):
    job = gridengine.Job(target=work)
    job.start()
    job.join()
"""


def test_nothing_of_it_outlives_a_program_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(source() + USES_IT, encoding="utf-8")
    program = subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path)
    noted = tmp_path / "supervisor"
    try:
        wait_until(noted.exists, what="the job runs")
    finally:
        program.kill()
        program.wait()
    supervisor = int(noted.read_text())
    wait_until(lambda: not is_alive(supervisor), what="its supervisor has ended")
    # As with every scheduler on other hosts, a folder of the program's is left, for this or for
    # the next program to remove.
    subprocess.run([sys.executable, "-m", "gridengine", "reap"], check=True, timeout=60)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
