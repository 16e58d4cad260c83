"""Asks for what is written down about queue jobs, shortly after they have ended."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .batch_system import BatchSystem, Record
from .commands import CommandMissing, CommandSlow

PATIENCE = 2.0
"""Seconds after a queue job's end until which its record is waited for, beside those that the batch
system may take until it writes it: `BatchSystem.account_delay`."""

_STEP = 0.3  # seconds between the first two tries
_LONGEST = 2.0  # seconds between two tries, however long it takes
_SLOW = 2  # commands in a row that may take too long until they are given up for good


@dataclasses.dataclass(frozen=True)
class Accounting:
    """What there is about a queue job; an empty record if nothing is known."""

    queue_job: str
    record: Record


class _Question(NamedTuple):
    """When a queue job was submitted, None if nobody knows, and until when it is asked about."""

    submitted: float | None
    until: float


class AccountReader:
    """A thread that looks up what a batch system has written down about ended queue jobs.

    That may be the jobs of years, which are read from end to end: one command is run at a time, for
    all tasks of an array at once, and none any more after some that took too long.

    Args:
        system: The batch system.
        answer: Is told what there is.
        submitted: Returns when a queue job was submitted, in seconds since 1970, None if nobody
            knows. Called by `ask`.
    """

    def __init__(
        self,
        system: BatchSystem,
        answer: Callable[[Accounting], None],
        submitted: Callable[[str], float | None],
    ) -> None:
        self._system = system
        self._answer = answer
        self._submitted = submitted
        self._asked: queue.SimpleQueue[tuple[str, _Question, bool]] = queue.SimpleQueue()
        self._open: dict[str, _Question] = {}
        self._slow = 0
        self._step = _STEP
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self, queue_job: str, *, has_run: bool = True) -> None:
        """Has ``answer`` called for a queue job, as soon as the batch system has written it down.

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
                late = self._system.account_delay() if has_run else 0.0
                self._open[queue_job] = question._replace(until=question.until + late)
                self._step = _STEP
                wait = 0
        except queue.Empty:
            return

    def _look_up(self, job: str) -> None:
        if self._slow >= _SLOW:
            return
        asked = {
            queue_job: question.submitted
            for queue_job, question in self._open.items()
            if queue_job.partition(".")[0] == job
        }
        try:
            found = self._system.accounts(job, asked)
        except CommandSlow:
            self._slow += 1
            return
        except CommandMissing:
            self._slow = _SLOW
            return
        self._slow = 0
        for queue_job, record in found.items():
            del self._open[queue_job]
            self._answer(Accounting(queue_job, record))

    def _give_up(self) -> None:
        # With the first of an array all of it that was asked about just after it: they are told of
        # together.
        late_by = time.monotonic() + _STEP
        late = [
            queue_job
            for queue_job, question in self._open.items()
            if late_by >= question.until or self._slow >= _SLOW
        ]
        for queue_job in late:
            submitted = self._open.pop(queue_job).submitted
            record = self._system.unaccounted(queue_job, submitted)
            self._answer(Accounting(queue_job, record))
