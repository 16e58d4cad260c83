"""Mails about jobs of gridmap that fail or die, and about maps that are over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.compat.gridmap import Job, JobException, conf, grid_map, process_jobs
from gridengine.observers.mails.mail_thread import mail_thread
from gridengine.schedulers import GridEngineScheduler, ProcessScheduler, Scheduler

from . import gridmap_targets as targets

pytest.importorskip("aiosmtpd")
pytest.importorskip("trustme")

from ..mail_server import Mail, MailServer, serving

ME = "me@example.org"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server that the settings name."""
    with serving() as made:
        monkeypatch.setattr(conf, "_said", {"SMTP_SERVER", "ERROR_MAIL_RECIPIENT"})
        monkeypatch.setattr(conf, "SMTP_SERVER", made.address)
        monkeypatch.setattr(conf, "ERROR_MAIL_RECIPIENT", ME)
        monkeypatch.setattr(conf, "SEND_ERROR_MAIL", True)
        yield made
        assert mail_thread().finish(20)


@pytest.fixture(
    scope="module",
    params=["process", pytest.param("cluster", marks=[pytest.mark.cluster, pytest.mark.slow])],
)
def made(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    settings: Any = {"sample_interval": 0.5}
    scheduler: Scheduler
    if request.param == "process":
        scheduler = ProcessScheduler(1, settings=settings)
    else:
        request.getfixturevalue("cluster")
        scheduler = GridEngineScheduler(max_workers=1, settings=settings)
    with scheduler:
        assert gridengine.map(abs, [-1], scheduler=scheduler) == [1]
        yield scheduler


@pytest.fixture
def workers(made: Scheduler) -> Iterator[Scheduler]:
    leave = gridengine.schedulers.base.enter(made)
    yield made
    leave()


def attached(mail: Mail) -> dict[str, Any]:
    return {
        str(part.get_filename()): part.get_content() for part in mail.message.iter_attachments()
    }


def test_an_exception_is_told_with_what_is_known(
    server: MailServer, workers: Scheduler, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    job = Job(targets.use_and_die, [2.2, 2**20], name="greedy")
    with pytest.raises(MemoryError):
        process_jobs([job], tmp_path)
    (mail,) = server.wait_for(1)
    assert (mail.recipients, mail.sender) == ([ME], "error@gridmap.py")
    assert mail.subject == "GridMap error greedy"
    lines = mail.text.splitlines()
    for line in (
        "Job greedy", f"Last timestamp: {job.timestamp}", "Resubmissions: 0",
        "Cause of death: exception", "Process was running at last check: True",
        f"Host: {job.host_name}", "Job encountered exception: MemoryError('no more')",
    ):  # fmt: skip
        assert line in lines
    assert "use_and_die" in mail.text
    pictures = {name: data for name, data in attached(mail).items() if name.endswith(".png")}
    assert pictures.keys() == {f"{job.id}_mem.png", f"{job.id}_cpu.png"}
    assert all(data.startswith(b"\x89PNG") for data in pictures.values())


def test_each_death_is_told_and_the_last_one_with_its_certificate(
    server: MailServer, workers: Scheduler, tmp_path_factory: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(conf, "NUM_RESUBMITS", 1)
    folder = tmp_path_factory.mktemp("tries")
    with pytest.raises(JobException):
        grid_map(targets.die, [[str(folder), 9]], name="weak", temp_dir=folder / "logs")
    first, last = server.wait_for(2)
    assert first.subject == last.subject == "GridMap error weak0"
    assert "Resubmissions: 0\nCause of death: unknown" in first.text
    assert "Resubmissions: 1\nCause of death: unknown" in last.text
    assert "SIGKILL" in last.text


def test_what_a_job_has_printed_is_attached(server: MailServer) -> None:
    from gridengine.compat.gridmap.job import send_error_mail

    job = Job(abs, [1], name="loud")
    job.id = "12.1"
    job.heart_beat = {"memory": 1.0, "cpu_load": (2.0, False), "log_file": "line\x1b[1m one\n" * 3}
    send_error_mail(job)
    (mail,) = server.wait_for(1)
    assert "Last memory usage: 1.0\nLast cpu load: 2.0\n" in mail.text
    (name,) = attached(mail)
    assert name == "12.1_log.txt"
    assert attached(mail)[name].count("one") == 3
    assert "\x1b" not in attached(mail)[name]


def test_the_end_of_a_map_is_told_where_it_is_asked_for(server: MailServer) -> None:
    assert grid_map(abs, [-1], local=True, name="my map") == [1]
    assert grid_map(abs, [-1], local=True, name="my map", completion_mail=True) == [1]
    with pytest.raises(ZeroDivisionError):
        grid_map(targets.fail_at, [[1, 1]], local=True, completion_mail=True)
    (mail,) = server.wait_for(1)
    assert mail.subject == "GridMap completed grid_map my_map"
    assert mail.text.strip() == "Job my_map"
    assert mail_thread().finish(20)
    assert len(server.mails) == 1


def test_no_mail_is_sent_where_nobody_wants_one(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "SEND_ERROR_MAIL", False)
    grid_map(abs, [1], local=True, completion_mail=True)
    assert mail_thread().finish(20)
    assert server.mails == []


@pytest.mark.parametrize("server_name", ["127.0.0.1:1", "no server"])
def test_a_mail_that_cannot_be_sent_harms_no_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, server_name: str
) -> None:
    monkeypatch.setattr(conf, "_said", {"SMTP_SERVER"})
    monkeypatch.setattr(conf, "SMTP_SERVER", server_name)
    monkeypatch.setattr(conf, "ERROR_MAIL_RECIPIENT", ME)
    monkeypatch.setattr(conf, "SEND_ERROR_MAIL", True)
    with caplog.at_level(logging.WARNING):
        assert grid_map(abs, [-1], local=True, completion_mail=True) == [1]
        assert mail_thread().finish(20)
    assert f"no mail can be sent to {ME}" in caplog.text
