"""Asks ``qacct`` how queue jobs ended.

A number is no proof: the Grid Engine begins anew when its numbers are used up, or when it is
installed again, and the files hold the jobs of years. So what is written down counts only with
the owner and the time of submission of the queue job that was asked about, and the last of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from ...queue_session.process.batch_system import Record
from ...queue_session.process.commands import CommandFailed, CommandMissing, CommandSlow, user
from . import ge_commands
from .timestamps import CLOCKS, seconds_of

FLUSH = 15.0
"""Seconds that the master may take where it does not say; its own default."""

_QUESTION = 2.0  # seconds in which a command has to answer

_TAIL = 256 * 1024  # bytes of the master's messages that are searched
_ZONES = 15 * 3600.0  # seconds from UTC to a place's own time, at most: messages have the master's


def accounts(job: str, queue_jobs: Mapping[str, float | None]) -> dict[str, Record]:
    """Returns what ``qacct`` says of those of some queue jobs that it knows to be over.

    Args:
        job: The number of their array.
        queue_jobs: When each was submitted, in seconds since 1970, None if nobody knows.

    Raises:
        CommandSlow, CommandMissing: It cannot be told.
    """
    try:
        text = ge_commands.run("qacct", "-j", job, seconds=_QUESTION)
    except CommandFailed:
        return {}  # not written yet
    owner = user()
    found = {  # of one that was started again, the last that is written down
        queue_job: record
        for queue_job, record in records(text)
        if queue_job in queue_jobs and is_of(record, owner, queue_jobs[queue_job])
    }
    return {
        queue_job: {**record, **_reason(queue_job, record, queue_jobs[queue_job])}
        for queue_job, record in found.items()
    }


def configured_delay() -> float | None:
    """Returns the seconds that accounting may come late, None if the master does not say it now."""
    try:
        return flush_seconds(ge_commands.run("qconf", "-sconf", seconds=_QUESTION))
    except (CommandMissing, CommandSlow, CommandFailed):
        return None


def flush_seconds(configuration: str) -> float:
    """Returns the seconds that accounting may come late, from what ``qconf -sconf`` prints."""
    for name in ("accounting_flush_time", "flush_time"):
        if match := re.search(rf"\b(?<!_){name}=([\d:]+)", configuration):
            parts = [int(part or 0) for part in match[1].split(":")]
            return float(sum(part * 60**power for power, part in enumerate(reversed(parts))))
    return FLUSH


def deletion(queue_job: str, submitted: float | None) -> Record:
    """Returns who deleted a queue job that ``qacct`` does not know, if the master's log says it."""
    try:
        return deletion_in(_last_messages(), queue_job, submitted)
    except OSError:
        return {}


def deletion_in(text: str, queue_job: str, submitted: float | None = None) -> Record:
    """Returns what the master's messages say of who deleted a queue job."""
    job, task = re.escape(queue_job.partition(".")[0]), re.escape(queue_job)
    what = rf"has (?:deleted|registered the) (?:job {job}|job-array task {task})"
    found = _found(rf"(\S+) {what}(?: for deletion)?", text, submitted)
    return {"deleted_by": found} if found else {}


def _reason(queue_job: str, record: Record, submitted: float | None) -> Record:
    """What the master notes in its messages but not for ``qacct``."""
    failed = record.get("failed", "0").split()[0]
    if failed == "100":
        return deletion(queue_job, submitted) if "deleted_by" not in record else {}
    try:
        return {} if failed in ("0", "37") else reason_in(_last_messages(), queue_job, submitted)
    except OSError:
        return {}


def _last_messages() -> str:
    with open(_messages(), "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        return file.read().decode(errors="replace")


def _messages() -> str:
    root, cell = os.environ.get("SGE_ROOT", ""), os.environ.get("SGE_CELL", "default")
    folder = f"{root}/{cell}/spool/qmaster"
    with open(f"{root}/{cell}/common/bootstrap") as file:
        for line in file:
            if line.startswith("qmaster_spool_dir"):
                folder = line.split(None, 1)[1].strip()
    return f"{folder}/messages"


def reason_in(text: str, queue_job: str, submitted: float | None = None) -> Record:
    """Returns what the master's messages say about a queue job that failed."""
    found = _found(rf"job {re.escape(queue_job)} (failed on host .*)", text, submitted)
    if not found:
        return {}
    return {"reason": re.sub(r"\d\d/\d\d/\d{4} [\d:]+ \[\d+:\d+\]: ", "", found).strip()}


def _found(pattern: str, text: str, submitted: float | None) -> str:
    """Returns what a pattern finds in the last of the master's messages that is such a one.

    Whole messages, for they quote what users have chosen; and none from before the submission.
    """
    for line in reversed(text.split("\n")):
        head = re.match(r"([^|]+)(?:\|[^|]*){3}\|", line)
        match = head and re.fullmatch(pattern, line[head.end() :])
        if not (head and match):
            continue
        if submitted is None or seconds_of(head[1]) > submitted - CLOCKS - _ZONES:
            return match[1]
    return ""


def is_of(record: Record, owner: str, submitted: float | None) -> bool:
    """Tells whether a record is of a queue job of ``owner`` that was submitted at that time."""
    if record.get("owner") != owner:
        return False
    return submitted is None or abs(seconds_of(record.get("qsub_time", "")) - submitted) < CLOCKS


def records(text: str) -> Iterator[tuple[str, Record]]:
    """Yields the queue jobs' names and records in what ``qacct -j`` prints."""
    # A line of nothing else: names and account strings are the users'.
    for block in re.split(r"^={20,}$", text, flags=re.MULTILINE):
        lines = (line.split(None, 1) for line in block.split("\n"))
        record = {parts[0]: " ".join(parts[1].split()) for parts in lines if len(parts) == 2}
        if "jobnumber" in record:
            yield f"{record['jobnumber']}.{record.get('taskid', '1')}", record
