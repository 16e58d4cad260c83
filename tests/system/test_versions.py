"""What cannot work together is refused at once, and says with which versions."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import gridengine
from gridengine import Job, SchedulerError
from gridengine.dispatcher import shutdown
from gridengine.dispatcher.registry import open_dispatchers
from gridengine.transport import messages, versions
from gridengine.transport.launch_file import Launch
from gridengine.transport.messages import Stop, Supervising
from gridengine.transport.private_files import make_folder
from gridengine.transport.unreached import Unreached

from .. import interpreters
from ..waiting import wait_until
from . import peers
from .peers import OverTcp, Port

OLD = [2, "9.1", 0, "elsewhere", 4711, 0.0, {"what": "was there then"}]
OTHER_PYTHON = "cpython 3.9.2"


class Silent(OverTcp):
    """Queue jobs that say nothing by themselves."""

    def open(self):  # type: ignore[no-untyped-def]
        session = super().open()
        start = session.start
        session.start = lambda batch, command, count, **more: start(
            batch, ["/bin/sleep", "60"], count, **more
        )
        return session


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OverTcp]:
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GRIDENGINE_HOST", "127.0.0.1")
    monkeypatch.setenv("GRIDENGINE_RESUBMISSIONS", "0")
    monkeypatch.setattr(shutdown, "_DEPARTURES", 0.1)
    with Silent(1) as scheduler:
        yield scheduler


def port(tmp_path: Path) -> Port:
    found = wait_until(
        lambda: list((tmp_path / "run").glob("run-*/launch-*")), what="a launch file"
    )
    assert len(found) == 1
    return peers.port_in(tmp_path / "run")


def queue_job() -> str:
    """Returns the name of the one queue job that was asked for."""
    (dispatcher,) = open_dispatchers()
    names = dispatcher._state.staffing.queue_jobs
    return wait_until(lambda: next(iter(names), ""), what="a queue job")


@pytest.mark.parametrize(
    ("versions_told", "named"),
    [
        ((versions.python(), "0.0.1"), ["gridengine 0.0.1", gridengine.__version__]),
        ((OTHER_PYTHON, gridengine.__version__), [OTHER_PYTHON, versions.python()]),
        (("pypy 3.11.7", gridengine.__version__), ["pypy 3.11.7", versions.python()]),
    ],
    ids=["gridengine", "python", "implementation"],
)
def test_a_supervisor_of_another_version_is_ended_and_the_job_says_both(
    scheduler: OverTcp, tmp_path: Path, versions_told: tuple[str, str], named: list[str]
) -> None:
    first_word = Supervising(messages.VERSION, "", 0, "elsewhere", 4711, 0.0, *versions_told)
    _is_refused(scheduler, tmp_path, first_word, named)


@pytest.mark.parametrize("version", [messages.VERSION - 1, messages.VERSION + 1])
@pytest.mark.parametrize("told", [(), ("cpython 3.11.7", "0.1.0")], ids=["silent", "talking"])
def test_so_is_one_that_speaks_another_version_of_the_protocol(
    scheduler: OverTcp, tmp_path: Path, version: int, told: tuple[str, ...]
) -> None:
    told = (versions.python(), gridengine.__version__) if told else ()
    first_word = Supervising(version, "", 0, "elsewhere", 4711, 0.0, *told)
    named = [f"protocol {version}", f"here {messages.VERSION}", gridengine.__version__]
    _is_refused(scheduler, tmp_path, first_word, named)


def _is_refused(
    scheduler: OverTcp, tmp_path: Path, first_word: Supervising, named: list[str]
) -> None:
    job = Job(target=abs, args=(-1,), scheduler=scheduler)
    job.start()
    name = queue_job()
    with peers.worker(port(tmp_path), b"other") as other:
        other.send(messages.encode(msgspec.structs.replace(first_word, queue_job=name)))
        assert other.poll(peers.PATIENCE)
        assert messages.decode_to_node(other.recv_multipart()[0]) == Stop()
    error = job.exception
    assert isinstance(error, SchedulerError)
    for part in ("elsewhere", name, *named):
        assert part in str(error)
    (dispatcher,) = open_dispatchers()
    records = dispatcher._state.staffing.queue_jobs
    wait_until(lambda: name not in records, what="its queue job is ended")


def test_a_first_word_of_which_only_the_beginning_can_be_read_is_one() -> None:
    frame = msgspec.msgpack.encode(["supervising", *OLD])
    told = messages.decode_to_host(frame)
    assert told == Supervising(2, "9.1", 0, "elsewhere", 4711)


@pytest.mark.parametrize(
    "frame",
    [
        ["supervising", messages.VERSION, *OLD[1:]],
        ["supervising", messages.VERSION, *OLD[1:6], "cpython \x1b[2J"],
        ["supervising", messages.VERSION, *OLD[1:6], "cpython 3.11.7\n"],
        ["supervising", messages.VERSION, *OLD[1:6], "", "1" * 100],
        ["supervising", 2, "9.1"],
        ["supervising", -2, *OLD[1:]],
        ["died", *OLD],
        ["supervising", 2, 9, *OLD[2:]],
    ],
    ids=[
        "of this version",
        "an escape",
        "a line",
        "endless",
        "too short",
        "no version",
        "another word",
        "no name",
    ],
)
def test_what_only_looks_like_one_is_rubbish(frame: list[object]) -> None:
    with pytest.raises(messages.ProtocolError):
        messages.decode_to_host(msgspec.msgpack.encode(frame))


WORKER = Path(gridengine.__file__).parent / "worker"


def other_pythons() -> list[Path]:
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = (interpreters.find(each) for each in interpreters.supported() if each != this)
    return [path for path in found if path is not None]


@pytest.mark.parametrize("really", [False, True], ids=["as it seems", "really"])
def test_another_python_leaves_a_note_before_it_imports_anything(
    really: bool, tmp_path: Path
) -> None:
    """What it could import lies where only this one looks."""
    pythons = other_pythons() if really else [Path(sys.executable)]
    if not pythons:
        pytest.skip("there is no other supported Python on this machine")
    folder = tmp_path / "run"
    make_folder(str(folder))
    told = versions.python() if really else OTHER_PYTHON
    launch = Launch(["tcp://127.0.0.1:1"], queue_job="{JOB_ID}.1", sys_path=["/no"], python=told)
    launch.write(f"{folder}/launch-0-1")
    done = subprocess.run(
        [pythons[0], WORKER, f"{folder}/launch-0-1"],
        env={"JOB_ID": "7"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    note = Unreached.read(folder, "7.1")
    assert note is not None
    assert note.host == os.uname().nodename
    assert f"this program {told}: functions travel as bytecode" in note.reason
    assert note.reason in done.stderr
    assert "runs cpython 3." in note.reason


def test_what_is_the_same_or_was_not_told_is_not_refused() -> None:
    assert versions.refusal("node", versions.python(), gridengine.__version__) == ""
    major, minor, micro = sys.version_info[:3]
    patched = f"{sys.implementation.name} {major}.{minor}.{micro + 1}"
    assert versions.refusal("node", patched, gridengine.__version__) == ""
    assert versions.refusal("node", "", "") == ""


def test_a_supervisor_says_what_it_is(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """And another version of a library is told, not refused."""
    python, package, libraries = versions.own()
    assert (python, package) == (versions.python(), gridengine.__version__)
    assert libraries["msgspec"] == msgspec.__version__
    assert versions.differences("node", libraries) == ""
    other = {**libraries, "msgspec": "0.1", "unknown": "7"}
    told = versions.differences("node", other)
    assert told == f"node has msgspec 0.1 (here {msgspec.__version__})"


def test_a_library_of_another_version_is_told_and_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(msgspec, "__version__", "0.1")
    with caplog.at_level(logging.INFO, "gridengine"), OverTcp(1) as scheduler:
        assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
    assert [text for text in caplog.messages if "(here 0.1)" in text]
