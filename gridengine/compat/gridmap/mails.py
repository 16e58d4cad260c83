"""Mails about jobs that have died or failed, and about maps that are over."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import GridEngineError
from ...logs import Log, printable
from ...mail_addresses import addresses_in
from ...observers.mails.mail_thread import mail_thread
from ...settings import Settings
from . import conf
from .grid_job import Job
from .plots import plot

# Most programs send none, and its libraries take long to import.
if TYPE_CHECKING:
    from email.message import EmailMessage

log = Log("gridmap.job")

#: Seconds for which the end of a program waits until its last mail is sent.
_PATIENCE = 10.0


def send_error_mail(job: Job, interval: float | None = None) -> None:
    """Sends a mail about a job, if ``SEND_ERROR_MAIL`` is set; returns at once.

    It has what the job has printed, as far as that is known, and plots of the memory and the load
    of the latest attempt, if ``CREATE_PLOTS`` is set and there is something to see.

    Args:
        job: It.
        interval: Seconds between two looks at it; by default ``HEARTBEAT_FREQUENCY``.
    """
    if not conf.SEND_ERROR_MAIL:
        return
    text, number, beat = _text(job), job.id, job.heart_beat or {}
    printed = str(beat.get("log_file") or "")
    apart = conf.HEARTBEAT_FREQUENCY if interval is None else interval
    memory, loads = [], []
    if conf.CREATE_PLOTS:
        memory, loads = list(job.track_mem), [load for load, _ in job.track_cpu]

    def made() -> EmailMessage:
        from ...observers.mails.message import new_message

        message = new_message(f"GridMap error {job.name}", text)
        if printed:
            message.add_attachment(
                printable(printed), filename=f"{number}_log.txt", cte="quoted-printable"
            )
        _attach(message, f"{number}_mem.png", plot(memory, apart, "memory usage (MB)"))
        _attach(message, f"{number}_cpu.png", plot(loads, apart, "cpu load (%)"))
        return message

    _send(made)


def send_completion_mail(name: str) -> None:
    """Sends a mail that says that a map is over, if ``SEND_ERROR_MAIL`` is set."""
    if not conf.SEND_ERROR_MAIL:
        return

    def made() -> EmailMessage:
        from ...observers.mails.message import new_message

        return new_message(f"GridMap completed grid_map {name}", f"Job {name}\n")

    _send(made)


def _attach(message: EmailMessage, name: str, picture: bytes) -> None:
    if picture:
        message.add_attachment(picture, maintype="image", subtype="png", filename=name)


def _text(job: Job) -> str:
    lines = [
        f"Job {job.name}",
        f"Last timestamp: {job.timestamp}",
        f"Resubmissions: {job.num_resubmits}",
        f"Cause of death: {job.cause_of_death}",
    ]
    if job.heart_beat:
        load, running = job.heart_beat["cpu_load"]
        lines += [
            f"Last memory usage: {job.heart_beat['memory']}",
            f"Last cpu load: {load}",
            f"Process was running at last check: {running}",
            "",
        ]
    lines += [f"Host: {job.host_name}", ""]
    if isinstance(job.ret, Exception) and job.cause_of_death == "exception":
        lines.append(f"Job encountered exception: {job.ret!r}")
    if job.traceback:
        lines.append(f"Stacktrace: {job.traceback}")
    return "\n".join([*lines, ""])


def _send(made: Callable[[], EmailMessage]) -> None:
    # To draw and to send takes long: who waits for the jobs does not wait for that.
    _have_finished()
    mail_thread().after(0, lambda: _deliver(made()))


def _deliver(message: EmailMessage) -> None:
    from ...observers.mails.delivery import Delivery, DeliveryError

    log.info("mail: %s", message["Subject"])
    try:
        recipients = addresses_in(conf.ERROR_MAIL_RECIPIENT)
        server = conf.SMTP_SERVER if conf.is_said("SMTP_SERVER") else Settings.read().smtp
        Delivery(recipients, conf.ERROR_MAIL_SENDER, server).send(message)
    except (DeliveryError, GridEngineError, ValueError) as error:
        log.warning("no mail can be sent to %s: %s", conf.ERROR_MAIL_RECIPIENT, error)


@functools.cache
def _have_finished() -> None:
    """Has the end of the program wait until the last mail is sent, but not for long."""
    from ...dispatcher.registry import after_all

    after_all(_finish)


def _finish() -> None:
    if not mail_thread().finish(_PATIENCE):
        log.warning("the last mail is not sent: that would take over %g seconds", _PATIENCE)
