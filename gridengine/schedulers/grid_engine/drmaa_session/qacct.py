"""Asks ``qacct`` how queue jobs ended, shortly after they did."""

from __future__ import annotations

import dataclasses
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator

from . import commands

PATIENCE = 2.0
"""Seconds after a queue job's end until which its accounting is waited for. Evidence that comes
later than that is worth less than the news itself."""

_STEP = 0.3  # seconds between two tries
_SLOW = 2  # commands in a row that may take too long until they are given up for good

_TAIL = 256 * 1024  # bytes of the master's messages that are searched

Record = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Accounting:
    """What there is about a queue job; an empty record if nothing is known."""

    queue_job: str
    record: Record


class QacctReader:
    """A thread that looks up what the Grid Engine has written down about ended queue jobs.

    An accounting file may hold the jobs of years, which ``qacct`` reads from end to end: one
    command is run at a time, for all tasks of an array at once, and none any more after some
    that took too long.
    """

    def __init__(self, answer: Callable[[Accounting], None]) -> None:
        self._answer = answer
        self._asked: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()
        self._open: dict[str, float] = {}
        self._slow = 0
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self, queue_job: str) -> None:
        """Has ``answer`` called for a queue job, within a few seconds."""
        self._asked.put((queue_job, time.monotonic() + PATIENCE))

    def _run(self) -> None:
        while True:
            self._receive()
            for job in sorted({queue_job.partition(".")[0] for queue_job in self._open}):
                self._look_up(job)
            self._give_up()

    def _receive(self) -> None:
        """Waits for the first question, or a step until the next try; then takes all there are."""
        wait = _STEP if self._open else None
        try:
            while True:
                queue_job, until = self._asked.get(timeout=wait)
                self._open[queue_job] = until
                wait = 0
        except queue.Empty:
            return

    def _look_up(self, job: str) -> None:
        if self._slow >= _SLOW:
            return
        try:
            text = commands.run("qacct", "-j", job, seconds=PATIENCE)
        except commands.CommandSlow:
            self._slow += 1
            return
        except commands.CommandMissing:
            self._slow = _SLOW
            return
        except commands.CommandFailed:
            return  # not written yet
        self._slow = 0
        for queue_job, record in records(text):
            if self._open.pop(queue_job, None) is not None:
                self._answer(Accounting(queue_job, {**record, **_reason(queue_job, record)}))

    def _give_up(self) -> None:
        now = time.monotonic()
        late = [
            queue_job
            for queue_job, until in self._open.items()
            if now >= until or self._slow >= _SLOW
        ]
        for queue_job in late:
            del self._open[queue_job]
            self._answer(Accounting(queue_job, {}))


def _reason(queue_job: str, record: Record) -> Record:
    """Why a queue job never ran, which the master notes in its messages but not for ``qacct``."""
    if record.get("failed", "0").split()[0] in ("0", "37", "100"):
        return {}
    try:
        with open(_messages(), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return reason_in(file.read().decode(errors="replace"), queue_job)
    except OSError:
        return {}


def _messages() -> str:
    root, cell = os.environ.get("SGE_ROOT", ""), os.environ.get("SGE_CELL", "default")
    folder = f"{root}/{cell}/spool/qmaster"
    with open(f"{root}/{cell}/common/bootstrap") as file:
        for line in file:
            if line.startswith("qmaster_spool_dir"):
                folder = line.split(None, 1)[1].strip()
    return f"{folder}/messages"


def reason_in(text: str, queue_job: str) -> Record:
    """Returns what the master's messages say about a queue job that failed."""
    found = re.findall(rf"job {re.escape(queue_job)} (failed on host .*)", text)
    if not found:
        return {}
    return {"reason": re.sub(r"\d\d/\d\d/\d{4} [\d:]+ \[\d+:\d+\]: ", "", found[-1]).strip()}


def records(text: str) -> Iterator[tuple[str, Record]]:
    """Yields the queue jobs' names and records in what ``qacct -j`` prints."""
    for block in text.split("=" * 20):
        lines = (line.split(None, 1) for line in block.splitlines() if line.strip(" ="))
        record = {parts[0]: " ".join(parts[1].split()) for parts in lines if len(parts) == 2}
        if "jobnumber" in record:
            yield f"{record['jobnumber']}.{record.get('taskid', '1')}", record
