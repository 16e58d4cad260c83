"""Asks ``qacct`` how queue jobs ended, shortly after they did.

A number is no proof: the Grid Engine begins anew when its numbers are used up, or when it is
installed again, and the files hold the jobs of years. So what is written down counts only with
the owner and the time of submission of the queue job that was asked about, and the last of it.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...queue_session.process import commands
from .timestamps import CLOCKS, seconds_of

PATIENCE = 2.0
"""Seconds after a queue job's end until which its accounting is waited for, beside those that the
master may take until it writes it: its ``accounting_flush_time``."""

_FLUSH = 15.0  # seconds that the master may take where it does not say; its own default
_STEP = 0.3  # seconds between the first two tries
_LONGEST = 2.0  # seconds between two tries, however long it takes
_QUESTION = 2.0  # seconds in which a command has to answer
_SLOW = 2  # commands in a row that may take too long until they are given up for good

_TAIL = 256 * 1024  # bytes of the master's messages that are searched
_ZONES = 15 * 3600.0  # seconds from UTC to a place's own time, at most: messages have the master's

Record = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Accounting:
    """What there is about a queue job; an empty record if nothing is known."""

    queue_job: str
    record: Record


class _Question(NamedTuple):
    """When a queue job was submitted, None if nobody knows, and until when it is asked about."""

    submitted: float | None
    until: float


class QacctReader:
    """A thread that looks up what the Grid Engine has written down about ended queue jobs.

    An accounting file may hold the jobs of years, which ``qacct`` reads from end to end: one
    command is run at a time, for all tasks of an array at once, and none any more after some
    that took too long.

    Args:
        answer: Is told what there is.
        submitted: Returns when a queue job was submitted, in seconds since 1970, None if nobody
            knows. Called by `ask`.
    """

    def __init__(
        self, answer: Callable[[Accounting], None], submitted: Callable[[str], float | None]
    ) -> None:
        self._answer = answer
        self._submitted = submitted
        self._asked: queue.SimpleQueue[tuple[str, _Question, bool]] = queue.SimpleQueue()
        self._open: dict[str, _Question] = {}
        self._slow = 0
        self._flush: float | None = None
        self._step = _STEP
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self, queue_job: str, *, has_run: bool = True) -> None:
        """Has ``answer`` called for a queue job, as soon as the master has written it down.

        Args:
            queue_job: Its name.
            has_run: Whether it may have run. Of one that has not, as a rule nothing is written.
        """
        question = _Question(self._submitted(queue_job), time.monotonic() + PATIENCE)
        self._asked.put((queue_job, question, has_run))

    def _run(self) -> None:
        while True:
            self._receive()
            for job in sorted({queue_job.partition(".")[0] for queue_job in self._open}):
                self._look_up(job)
            self._give_up()

    def _receive(self) -> None:
        """Waits for the first question, or a step until the next try; then takes all there are."""
        self._step = min(1.5 * self._step, _LONGEST)
        wait = self._step if self._open else None
        try:
            while True:
                queue_job, question, has_run = self._asked.get(timeout=wait)
                late = self._flush_seconds() if has_run else 0.0
                self._open[queue_job] = question._replace(until=question.until + late)
                self._step = _STEP
                wait = 0
        except queue.Empty:
            return

    def _flush_seconds(self) -> float:
        if self._flush is None:
            try:
                self._flush = flush_seconds(commands.run("qconf", "-sconf", seconds=_QUESTION))
            except (commands.CommandMissing, commands.CommandSlow, commands.CommandFailed):
                return _FLUSH
        return self._flush

    def _look_up(self, job: str) -> None:
        if self._slow >= _SLOW:
            return
        try:
            text = commands.run("qacct", "-j", job, seconds=_QUESTION)
        except commands.CommandSlow:
            self._slow += 1
            return
        except commands.CommandMissing:
            self._slow = _SLOW
            return
        except commands.CommandFailed:
            return  # not written yet
        self._slow = 0
        owner = commands.user()
        found = {  # of one that was started again, the last that is written down
            queue_job: record
            for queue_job, record in records(text)
            if queue_job in self._open and is_of(record, owner, self._open[queue_job].submitted)
        }
        for queue_job, record in found.items():
            more = _reason(queue_job, record, self._open.pop(queue_job).submitted)
            self._answer(Accounting(queue_job, {**record, **more}))

    def _give_up(self) -> None:
        now = time.monotonic()
        late = [
            queue_job
            for queue_job, question in self._open.items()
            if now >= question.until or self._slow >= _SLOW
        ]
        for queue_job in late:
            submitted = self._open.pop(queue_job).submitted
            self._answer(Accounting(queue_job, _deletion(queue_job, submitted)))


def flush_seconds(configuration: str) -> float:
    """Returns the seconds that accounting may come late, from what ``qconf -sconf`` prints."""
    for name in ("accounting_flush_time", "flush_time"):
        if match := re.search(rf"\b(?<!_){name}=([\d:]+)", configuration):
            parts = [int(part or 0) for part in match[1].split(":")]
            return float(sum(part * 60**power for power, part in enumerate(reversed(parts))))
    return _FLUSH


def _deletion(queue_job: str, submitted: float | None) -> Record:
    """Who deleted a queue job of which nothing was written down, where the master's log says it."""
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
        return _deletion(queue_job, submitted) if "deleted_by" not in record else {}
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
