"""Mails about jobs that have died or failed, and about maps that are over."""

from __future__ import annotations

from email.message import EmailMessage

from ...dispatcher.registry import after_all
from ...errors import GridEngineError
from ...logs import Log, printable
from ...mail_addresses import addresses_in
from ...observers.mails.delivery import Delivery, DeliveryError
from ...observers.mails.mail_thread import mail_thread
from ...observers.mails.message import new_message
from ...settings import Settings
from . import conf
from .grid_job import Job
from .plots import plot

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
    message = new_message(f"GridMap error {job.name}", _text(job))
    beat = job.heart_beat or {}
    if printed := beat.get("log_file"):
        message.add_attachment(
            printable(str(printed)), filename=f"{job.id}_log.txt", cte="quoted-printable"
        )
    if conf.CREATE_PLOTS:
        apart = conf.HEARTBEAT_FREQUENCY if interval is None else interval
        _attach(message, f"{job.id}_mem.png", plot(job.track_mem, apart, "memory usage (MB)"))
        loads = [load for load, _ in job.track_cpu]
        _attach(message, f"{job.id}_cpu.png", plot(loads, apart, "cpu load (%)"))
    _send(message)


def send_completion_mail(name: str) -> None:
    """Sends a mail that says that a map is over, if ``SEND_ERROR_MAIL`` is set."""
    if conf.SEND_ERROR_MAIL:
        _send(new_message(f"GridMap completed grid_map {name}", f"Job {name}\n"))


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


def _send(message: EmailMessage) -> None:
    log.info("mail: %s", message["Subject"])
    mail_thread().after(0, lambda: _deliver(message))


def _deliver(message: EmailMessage) -> None:
    try:
        recipients = addresses_in(conf.ERROR_MAIL_RECIPIENT)
        server = conf.SMTP_SERVER if conf.is_said("SMTP_SERVER") else Settings.read().smtp
        Delivery(recipients, conf.ERROR_MAIL_SENDER, server).send(message)
    except (DeliveryError, GridEngineError, ValueError) as error:
        log.warning("no mail can be sent to %s: %s", conf.ERROR_MAIL_RECIPIENT, error)


def _finish() -> None:
    if not mail_thread().finish(_PATIENCE):
        log.warning("the last mail is not sent: that would take over %g seconds", _PATIENCE)


after_all(_finish)
