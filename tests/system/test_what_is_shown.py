"""What jobs, nodes and peers say reaches the terminal, and file names, as what it is: text."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridengine
from gridengine import Job, JobDied
from gridengine.dispatcher import shutdown
from gridengine.dispatcher.registry import open_dispatchers
from gridengine.schedulers import ProcessScheduler
from gridengine.transport import messages

from .. import targets
from . import peers
from .peers import OverTcp

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shutdown, "_DEPARTURES", 0.1)
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GRIDENGINE_HOST", "127.0.0.1")
    monkeypatch.setenv("GRIDENGINE_HEARTBEAT", "0.2")
    return tmp_path / "run"


@pytest.fixture
def scheduler(run_dir: Path) -> Iterator[OverTcp]:
    with OverTcp(2) as scheduler:
        assert [4] == gridengine.map(targets.square, [2], scheduler=scheduler)
        yield scheduler


def _supervising(**changed: object) -> bytes:
    fields = {"version": messages.VERSION, "queue_job": "9.9", "kind": 0, "host": "n", "pid": 1}
    return messages.encode(messages.Supervising(**{**fields, **changed}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "word",
    [
        _supervising(host=EVIL),
        _supervising(queue_job=EVIL),
        _supervising(host=EVIL, version=77),
        _supervising(host=EVIL, kind=77),
        b"\x91\xa8" + b"\x1b[2J\xc2\x9b1",
        EVIL.encode(),
    ],
    ids=["host", "queue job", "another version", "no kind", "no message", "rubbish"],
)
def test_what_a_peer_says_is_text_in_the_log(
    scheduler: OverTcp, run_dir: Path, caplog: pytest.LogCaptureFixture, word: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    with peers.worker(peers.port_in(run_dir), EVIL.encode()[:40]) as liar:
        liar.send(word)
        peers.fence(liar)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not set(EVIL) & set(caplog.text) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("name", ["../../victim", "/etc/passwd", "a\0b", "a/../b", "x" * 100_000])
def test_who_has_no_name_of_a_queue_job_is_not_let_in(
    scheduler: OverTcp, run_dir: Path, name: str
) -> None:
    # The log of that name is read when the supervisor is lost: of another file, or none at all.
    (dispatcher,) = open_dispatchers()
    with peers.worker(peers.port_in(run_dir), b"boss") as boss:
        boss.send(_supervising(queue_job=name))
        peers.fence(boss)
        assert b"boss" not in dispatcher._state.staffing.supervisors
        boss.send(_supervising())
        peers.fence(boss)
        assert b"boss" in dispatcher._state.staffing.supervisors
        assert [9] == gridengine.map(targets.square, [3], scheduler=scheduler)


def _die(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
    os._exit(3)


def test_what_a_job_printed_last_is_text_in_its_death_certificate() -> None:
    with ProcessScheduler(1) as scheduler:
        job = Job(target=_die, args=(f"{EVIL}last words",), scheduler=scheduler)
        job.start()
        job.join()
        error = job.exception
    assert isinstance(error, JobDied)
    assert f"{EVIL}last words" in error.output
    assert r"    \x1b]0;owned\x07\x1b[2J\x9b31m\u202elast words" in str(error)
    assert not set(str(error)) & set("\x1b\x07\x9b\u202e")


def test_what_a_job_prints_is_the_users_own() -> None:
    program = (
        "import gridengine\n"
        "def red(x): print('\\x1b[31mred\\x1b[0m', flush=True); return x\n"
        "from gridengine.schedulers import ProcessScheduler\n"
        "gridengine.map(red, [1], scheduler=ProcessScheduler(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "\x1b[31mred\x1b[0m\n", done.stderr


def test_reap_shows_the_names_of_files_as_text(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    (run_dir / "sessions").mkdir(parents=True)
    (run_dir / "run-\x1b[2J\udc9b").mkdir()
    (run_dir / "sessions" / "\x1b]0;owned\x07.json").write_text("{}")
    (run_dir / "sessions").chmod(0o700)
    run_dir.chmod(0o700)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "gridengine", "reap", "--dry-run"],
        env={**os.environ, "GRIDENGINE_RUN_DIR": str(run_dir), "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        check=False,
        timeout=60,
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert r"run-\x1b[2J\udc9b" in said
    assert r"\x1b]0;owned\x07.json" in said
    assert "\x1b" not in said


def test_a_frame_that_only_a_message_names_leads_to_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret\n")
    os.mkfifo(tmp_path / "pipe.py")
    source = tmp_path / "source.py"
    source.write_text("first = '\x1b[2J'\n")
    lines = [f'  File "{path}", line 1, in f' for path in (secret, tmp_path / "pipe.py", source)]
    program = (
        "import gridengine, traceback\n"
        "from gridengine.schedulers import ProcessScheduler\n"
        f"def fail(_): raise ValueError('what I have read:\\n' + {chr(10).join(lines)!r})\n"
        "try:\n"
        "    gridengine.map(fail, [1], scheduler=ProcessScheduler(1))\n"
        "except ValueError:\n"
        "    traceback.print_exc()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert "the secret" not in done.stderr
    # A source that this program has is shown, as text.
    assert r"    first = '\x1b[2J'" in done.stderr
