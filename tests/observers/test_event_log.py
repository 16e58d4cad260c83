"""Logs of events: of programs that end well, that are killed, and files that are none."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import gridengine
from gridengine.errors import GridEngineError
from gridengine.ledger.events import (
    CallsDone,
    JobsOver,
    JobsSubmitted,
    NoticeGiven,
    WorkerJoined,
)
from gridengine.observers import encoding, event_log
from gridengine.observers.event_log import EventLog
from gridengine.schedulers import ProcessScheduler

from .. import targets
from ..waiting import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "events"


def _written(folder: Path, *texts: str) -> Path:
    """Returns a log of notices, each in a block of its own."""
    made = EventLog(str(folder), "ProcessScheduler(2)", 2)
    made.close()
    path = Path(made.path)
    path.write_bytes(path.read_bytes() + b"".join(map(_block, texts)))
    return path


def _block(text: str) -> bytes:
    block = zlib.compress(encoding.encode([(0.0, NoticeGiven(text))]))
    return len(block).to_bytes(4, "big") + block


def _notices(path: Path) -> list[str]:
    events = event_log.read(str(path))
    return [event.text for _, event in events if isinstance(event, NoticeGiven)]


def _program(folder: Path, code: str, **environment: str) -> subprocess.Popen[str]:
    """Starts a program whose log is in a run folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "GRIDENGINE_RUN_DIR": str(folder),
            "GRIDENGINE_EVENT_LOG": "1",
            "GRIDENGINE_SCHEDULER": "process",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_a_run_tells_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GRIDENGINE_EVENT_LOG", "1")
    with ProcessScheduler(2) as scheduler:
        assert gridengine.map(targets.square, range(100), scheduler=scheduler, chunksize=10)
    (path,) = event_log.newest_first(event_log.folder_of(str(tmp_path)))
    header = event_log.header_of(path)
    told = list(event_log.read(path))
    assert (header.pid, header.cores, header.slots) == (os.getpid(), 2, 1)
    times = [when for when, _ in told]
    assert [header.began, *times] == sorted([header.began, *times])
    kinds = {type(event) for _, event in told}
    assert {JobsSubmitted, CallsDone, JobsOver, WorkerJoined} <= kinds
    done = [event for _, event in told if isinstance(event, CallsDone)]
    assert sum(event.hi - event.lo for event in done) == 100
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_the_log_of_a_killed_program_has_what_was_done_before(tmp_path: Path) -> None:
    code = (
        "import gridengine, signal\n"
        "gridengine.map(abs, range(1000), chunksize=100)\n"
        "print('done', flush=True)\n"
        "signal.pause()\n"
    )
    folder = tmp_path / "run"
    program = _program(folder, code)
    assert program.stdout is not None
    assert program.stderr is not None
    assert program.stdout.readline() == "done\n"

    def done() -> bool:
        (path,) = event_log.newest_first(str(folder / "events"))
        told = event_log.read(path)
        calls = [event.hi - event.lo for _, event in told if isinstance(event, CallsDone)]
        return sum(calls) == 1000

    try:
        wait_until(done, what="the log has all calls")
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        program.stderr.close()
    assert done()


def test_a_log_that_ends_in_the_middle_is_read_up_to_there(folder: Path) -> None:
    path = _written(folder, "one")
    data, more = path.read_bytes(), _block("two")
    for length in range(len(more)):
        path.write_bytes(data + more[:length])
        assert _notices(path) == ["one"]
    path.write_bytes(data + more)
    assert _notices(path) == ["one", "two"]


def test_what_is_damaged_is_told_behind_what_is_not(folder: Path) -> None:
    path = _written(folder, "one", "two")
    data = bytearray(path.read_bytes())
    for damaged in (data[:-6] + bytes(6), data + bytes(8), data + b"\xff" * 100):
        path.write_bytes(damaged)
        events = event_log.read(str(path))
        assert next(events) == (0.0, NoticeGiven("one"))
        with pytest.raises(GridEngineError, match="is damaged"):
            list(events)


@pytest.mark.parametrize("when", [math.nan, math.inf, -1.0, 1e300])
def test_an_event_without_a_time_is_none(when: float) -> None:
    with pytest.raises(ValueError, match="no time"):
        list(encoding.decode(encoding.encode([(when, NoticeGiven("x"))])))


def test_an_event_that_is_too_deep_is_none() -> None:
    deep = b"\x91\x93\x01\x00" + b"\x91" * 100_000
    with pytest.raises(ValueError, match="too deep"):
        list(encoding.decode(deep))


def test_a_block_that_would_unpack_to_gigabytes_is_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(folder, "x" * 100_000)
    monkeypatch.setattr(event_log, "_LONGEST", 10_000)
    with pytest.raises(GridEngineError, match="is damaged"):
        _notices(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x00" * 100,
        b"[" * 70_000,
        b"{}\n",
        b'{"format": "gridengine-events-0"}\n',
        b'{"format": "gridengine-events-1"}\n',
        b'{"format": "gridengine-events-1", "program": 1, "host": "", "pid": 1, "cores": 1}\n',
    ],
)
def test_what_is_no_log_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.events"
    path.write_bytes(data)
    with pytest.raises(GridEngineError, match="is no log of events"):
        event_log.header_of(str(path))


def test_a_folder_that_others_can_write_to_is_refused(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(GridEngineError, match="GRIDENGINE_EVENT_LOG"):
        EventLog(str(folder), "", 1)


def test_the_newest_hundred_are_kept(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for number in range(120):
        (folder / f"20200101-000000-host-{number:03}{event_log.SUFFIX}").touch()
    (folder / "mine.txt").touch()
    made = EventLog(str(folder), "", 1)
    made.close()
    kept = event_log.newest_first(str(folder))
    assert len(kept) == 100
    assert kept[0] == made.path
    assert kept[-1].endswith(f"-021{event_log.SUFFIX}")
    assert (folder / "mine.txt").exists()


def test_where_the_disk_is_full_the_program_goes_on_and_says_so(tmp_path: Path) -> None:
    code = (
        "import gridengine, resource, time\n"
        "from gridengine.schedulers import ProcessScheduler\n"
        "with ProcessScheduler(1) as scheduler:\n"
        "    gridengine.map(abs, [1], scheduler=scheduler)\n"
        # In this process alone: as a full disk does, it lets nothing be written.
        "    limit = resource.RLIMIT_FSIZE\n"
        "    resource.setrlimit(limit, (1, resource.getrlimit(limit)[1]))\n"
        "    values = gridengine.map(abs, range(-100, 0), scheduler=scheduler)\n"
        "print(values == list(range(100, 0, -1)))\n"
    )
    out, err = _program(tmp_path / "run", code).communicate(timeout=60)
    assert out == "True\n"
    assert err.count("ends here") == 1
    assert "Traceback" not in err


def test_what_is_told_after_the_end_of_the_disk_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: EventLog) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventLog, "_write", full)
    monkeypatch.setattr(event_log, "_SECONDS", 0.01)
    made = EventLog(str(folder), "", 1)
    made._thread.join(20)
    made(NoticeGiven("x"))
    assert not made._told
    made.close()
