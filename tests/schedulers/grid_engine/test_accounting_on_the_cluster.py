"""Records of other queue jobs of the same number, in the real accounting file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridengine.schedulers.grid_engine.batch_system.timestamps import CLOCKS
from gridengine.schedulers.queue_session.process import commands

from ...cluster import Cluster
from ..conftest import Talk

Open = Callable[..., Talk]

pytestmark = pytest.mark.cluster

#: Places in a line of accounting(5).
_OWNER, _JOB, _SUBMITTED, _EXIT_STATUS, _TASK = 3, 5, 8, 12, 35


@pytest.fixture(autouse=True)
def healthy(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cluster in which all is well, before and after, and the file as it was."""
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    # Far from that of the master.
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    cluster.heal()
    yield
    cluster.heal()


def _file() -> Path:
    return Path(os.environ["SGE_ROOT"], os.environ["SGE_CELL"], "common", "accounting")


def _real(talk: Open, status: int) -> list[str]:
    """Runs a queue job, and returns what the master writes down about it."""
    one = talk()
    one.start(f"exit {status}")
    [name] = one.submitted()
    assert f"exit_status {status}" in one.explained(name).detail
    return _line_of(name).split(":")


def _line_of(name: str) -> str:
    job, _, task = name.partition(".")
    lines = [line.split(":") for line in _file().read_text().splitlines() if line[:1] != "#"]
    return next(":".join(f) for f in lines if (f[_JOB], f[_TASK]) == (job, task))


def _forge(record: list[str], **changed: object) -> None:
    """Appends a record like another one to the file."""
    places = {"owner": _OWNER, "job": _JOB, "submitted": _SUBMITTED, "status": _EXIT_STATUS}
    forged = list(record)
    for name, value in changed.items():
        forged[places[name]] = str(value)
    with _file().open("a") as file:
        file.write(":".join(forged) + "\n")


_READ = """
import json, queue, sys
from gridengine.schedulers.grid_engine.batch_system.command_system import CommandSystem
from gridengine.schedulers.queue_session.process.account_reader import AccountReader
name, submitted = json.loads(sys.argv[1])
answers = queue.SimpleQueue()
AccountReader(CommandSystem(), answers.put, lambda _: submitted).ask(name)
print(json.dumps(answers.get(timeout=20).record.get("exit_status")))
"""


def _status_read(name: str, submitted: float | None) -> object:
    """What a session process reads of the exit status of a queue job."""
    # Its reader has a thread that ends with it.
    done = subprocess.run(
        [sys.executable, "-c", _READ, json.dumps([name, submitted])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        timeout=30,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_line_of_the_file_is_what_these_tests_take_it_for(talk: Open) -> None:
    record = _real(talk, 5)
    assert record[_OWNER] == commands.user()
    assert abs(int(record[_SUBMITTED]) - time.time()) < CLOCKS
    assert record[_EXIT_STATUS] == "5"


def test_what_was_written_before_about_such_a_number_is_passed_over(talk: Open) -> None:
    record = _real(talk, 5)
    number, now = int(record[_JOB]) + 1, int(time.time())
    _forge(record, job=number, owner="mallory", submitted=now, status=91)
    _forge(record, job=number, submitted=now - 4 * CLOCKS, status=92)
    told = commands.run("qacct", "-j", str(number), seconds=10)
    assert ["91", "92"] == [line.split()[1] for line in told.splitlines() if "exit_st" in line]
    one = talk()
    one.start("exit 7")
    [name] = one.submitted()
    assert name == f"{number}.1"
    assert "exit_status 7" in one.explained(name).detail


def test_what_is_written_afterwards_about_such_a_number_is_passed_over(talk: Open) -> None:
    record = _real(talk, 5)
    submitted = float(record[_SUBMITTED])
    # Put back, and started again: the last of its own counts.
    _forge(record, status=6)
    _forge(record, owner="mallory", status=93)
    _forge(record, submitted=int(submitted) - 4 * int(CLOCKS), status=94)
    _forge(record, submitted=0, status=95)
    name = f"{record[_JOB]}.1"
    assert _status_read(name, submitted) == "6"
    # Where nobody has noted the time, the owner's.
    assert _status_read(name, None) == "95"


def test_another_users_record_is_nothing_to_go_by(talk: Open) -> None:
    record = _real(talk, 5)
    number = int(record[_JOB]) + 500
    _forge(record, job=number, owner="mallory", status=96)
    assert _status_read(f"{number}.1", time.time()) is None


def test_the_masters_messages_name_who_deleted_a_task(talk: Open, cluster: Cluster) -> None:
    with cluster.limited(loglevel="log_info"):
        one = talk(native="-h")
        one.start("exec sleep 60", 3)
        names = one.submitted(3)
        cluster.run(["qdel", names[1]])
        assert one.explained(names[1]).detail == "DRMAA: deleted before it ran, by root"
