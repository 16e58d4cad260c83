"""Who asks gets a mail when a map or a program is over, or calls fail; nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.errors import GridEngineError
from gridengine.observers.mails import program_mails
from gridengine.observers.mails.mail_thread import mail_thread
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)

from .. import targets

pytest.importorskip("aiosmtpd")
pytest.importorskip("trustme")

from ..mail_server import MailServer, serving

ME = "me@example.org"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with serving() as made:
        yield made


@pytest.fixture(params=["inline", "process", pytest.param("cluster", marks=pytest.mark.cluster)])
def scheduler(
    request: pytest.FixtureRequest, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scheduler]:
    monkeypatch.setenv("GRIDENGINE_SMTP", server.address)
    if request.param == "cluster":
        request.getfixturevalue("cluster")
    kinds = {"inline": InlineScheduler, "process": ProcessScheduler, "cluster": GridEngineScheduler}
    limit = {} if request.param == "inline" else {"max_workers": 2}
    with kinds[request.param](**limit) as made:
        yield made
    assert mail_thread().finish(20)


def within(x: int) -> list[int]:
    return gridengine.map(targets.square, range(x), notify=ME)


# ---------------------------------------------------------------------- a map


def test_the_end_of_a_map_is_told_with_its_counts(server: MailServer, scheduler: Scheduler) -> None:
    gridengine.map(targets.square, range(1000), scheduler=scheduler, notify=ME)
    (mail,) = server.wait_for(1)
    assert mail.recipients == [ME]
    assert mail.subject.startswith("square is over after")
    assert "1,000 calls" in mail.subject
    assert "Calls     1,000 done\n" in mail.text


def test_failures_of_a_map_come_with_their_certificates(
    server: MailServer, scheduler: Scheduler
) -> None:
    options: Any = {"scheduler": scheduler, "notify": [ME, "b@c.de"]}
    with pytest.raises(ZeroDivisionError):
        gridengine.map(targets.fail_at, range(6), [3] * 6, **options)
    (mail,) = server.wait_for(1)
    assert mail.recipients == [ME, "b@c.de"]
    assert mail.subject.startswith("fail_at has ended by ZeroDivisionError after")
    assert "fail_at: ZeroDivisionError (1 call)" in mail.text
    assert "ZeroDivisionError: at 3" in mail.text
    assert "fail_at, call 3 on " in mail.text


def test_a_map_within_a_job_sends_none(server: MailServer, scheduler: Scheduler) -> None:
    if scheduler.inline:
        pytest.skip("its jobs are the program's own calls")
    assert gridengine.map(within, [3, 4], scheduler=scheduler) == [[0, 1, 4], [0, 1, 4, 9]]
    assert gridengine.map(within, [3], scheduler=scheduler, notify=ME) == [[0, 1, 4]]
    assert [mail.subject.partition(" ")[0] for mail in server.wait_for(1)] == ["within"]


def test_a_map_that_is_left_early_says_so(server: MailServer, scheduler: Scheduler) -> None:
    for _ in gridengine.imap(targets.square, range(1000), scheduler=scheduler, notify=ME):
        break
    assert server.wait_for(1)[0].subject.startswith("square was ended early")


def test_maps_of_asyncio_tell_too(server: MailServer, scheduler: Scheduler) -> None:
    asyncio.run(gridengine.aio.map(targets.square, range(5), scheduler=scheduler, notify=ME))
    assert "5 calls" in server.wait_for(1)[0].subject


def test_to_ask_for_mails_to_nobody_is_an_error() -> None:
    with ProcessScheduler(1) as scheduler:
        with pytest.raises(GridEngineError, match="GRIDENGINE_MAIL_TO"):
            gridengine.map(targets.square, [1], scheduler=scheduler, notify=True)
        with pytest.raises(ValueError, match="notify is 'no address'"):
            gridengine.map(targets.square, [1], scheduler=scheduler, notify="no address")


def test_nobody_waits_for_a_server_that_is_silent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridengine.observers.mails.delivery.PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings: Any = {"smtp": f"127.0.0.1:{silent.getsockname()[1]}"}
        with ProcessScheduler(1, settings=settings) as scheduler:
            for _ in range(3):
                gridengine.map(targets.square, range(10), scheduler=scheduler, notify=ME)
        assert not mail_thread().finish(0)
        with caplog.at_level(logging.WARNING):
            assert mail_thread().finish(30)
    assert f"no mail can be sent to {ME}" in caplog.text


# ---------------------------------------------------------------------- a program


def mails_of(server: MailServer, **settings: Any) -> dict[str, Any]:
    return {"mail_to": ME, "smtp": server.address, **settings}


def test_many_failures_are_one_mail_while_the_program_runs(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_mails, "GATHERED", 0.5)
    with ProcessScheduler(2, settings=mails_of(server)) as scheduler:
        gridengine.map(
            targets.fail_at, range(10_000), [1] * 10_000, scheduler=scheduler, reraise=False
        )
        gridengine.map(
            targets.fail, [ValueError(x) for x in range(5000)], scheduler=scheduler, reraise=False
        )
        (mail,) = server.wait_for(1)
        assert "have failed" in mail.subject or "has failed" in mail.subject
    program_mails.close_all()
    # The second one of failures would come after ten minutes, so the last one has the rest.
    assert len(server.mails) == 2
    last = server.mails[-1]
    assert "15,000 calls, 5,001 failed" in last.subject
    assert "Calls     15,000 done, 5,001 failed\n" in last.text


def test_failures_alone_are_told_at_the_end_at_the_latest(server: MailServer) -> None:
    settings = mails_of(server, mail_on="failure")
    with ProcessScheduler(1, settings=settings) as scheduler:
        gridengine.map(targets.square, range(5), scheduler=scheduler)
    program_mails.close_all()
    assert server.mails == []
    with ProcessScheduler(1, settings=settings) as scheduler:
        job = gridengine.Job(target=targets.fail, args=(ValueError("why"),), scheduler=scheduler)
        job.start()
        job.join()
    program_mails.close_all()
    (mail,) = server.mails
    assert ": 1 call has failed" in mail.subject
    assert "ValueError: why" in mail.text


def run(
    tmp_path: Path, code: str, server: str, *, interrupt: bool = False
) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    environ = {
        **os.environ,
        "GRIDENGINE_SCHEDULER": "process",
        "GRIDENGINE_MAIL_TO": ME,
        "GRIDENGINE_SMTP": server,
    }
    program = subprocess.Popen(
        [sys.executable, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environ, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    if interrupt:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    return subprocess.CompletedProcess([], program.returncode, out, err)


def test_the_end_of_a_program_is_told(server: MailServer, tmp_path: Path) -> None:
    code = """
        import gridengine, multiprocessing, os

        def child():
            gridengine.map(abs, [1])

        def f(x):
            return x

        gridengine.map(f, range(100))
        with gridengine.schedulers.ProcessScheduler(1) as other:
            gridengine.map(abs, range(7), scheduler=other)
        if (pid := os.fork()) == 0:
            raise SystemExit
        os.waitpid(pid, 0)
    """
    done = run(tmp_path, code, server.address)
    assert (done.returncode, done.stderr) == (0, "")
    (mail,) = server.mails
    assert mail.subject.startswith("program.py on ")
    assert "is over after" in mail.subject
    assert mail.subject.endswith("107 calls")
    assert "  abs: 7 done" in mail.text


def test_a_program_that_ends_by_an_exception_says_so(server: MailServer, tmp_path: Path) -> None:
    code = """
        import gridengine

        gridengine.map(abs, [1, "a"])
    """
    done = run(tmp_path, code, server.address)
    assert done.returncode == 1
    (mail,) = server.mails
    assert "has ended by TypeError" in mail.subject
    assert "bad operand type for abs()" in mail.text


def test_ctrl_c_is_told_too(server: MailServer, tmp_path: Path) -> None:
    code = """
        import gridengine, time

        job = gridengine.Job(target=time.sleep, args=(60,))
        job.start()
        print("ready", flush=True)
        job.join()
    """
    done = run(tmp_path, code, server.address, interrupt=True)
    assert "KeyboardInterrupt" in done.stderr
    (mail,) = server.mails
    assert "was interrupted" in mail.subject
    assert "1 cancelled" in mail.text


def test_a_program_whose_mails_nobody_takes_ends_as_ever(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    begin = time.monotonic()
    done = run(tmp_path, "import gridengine; gridengine.map(abs, [1])", f"127.0.0.1:{port}")
    assert time.monotonic() - begin < 10
    assert done.returncode == 0
    assert done.stderr.count("no mail can be sent") == 1


def test_a_program_has_a_plot_if_it_was_sampled(
    server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("GRIDENGINE_SAMPLE_INTERVAL", "0.5")
    done = run(tmp_path, "import gridengine, time; gridengine.map(time.sleep, [3])", server.address)
    assert (done.returncode, done.stderr) == (0, "")
    (mail,) = server.mails
    assert [plot[:4] for plot in mail.plots] == [b"\x89PNG"]
    assert "of memory in all workers together" in mail.text
