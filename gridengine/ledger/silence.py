"""Whose silence means what: a node that is lost, or a queue job that is suspended.

A batch system stops what it has suspended, so that nothing is heard of it; and only it can tell
that from a node that is cut off. It is asked when half of the patience is over, and has until twice
the patience to answer::

    heard ──── patience / 2 ──── patience ─────────────── 2 · patience
               AskAbout          lost, if the answer      lost, if there is none
                                 is "it runs"
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from .observers import Observers
from .orders import AskAbout, Dismiss, Order, Warn
from .records import QueueJobRecord, SupervisorRecord, WorkerRecord
from .start_failures import named


class Silence:
    """Tells the suspended from the lost.

    Args:
        patience: Seconds of silence after which a supervisor that is not suspended counts as lost.
        remote: Whether there is a batch system that suspends queue jobs.
        orders: What is to be done is added to it.
        observers: Who hears of events.
        retire: Has a worker get no work any more.

    Attributes:
        patience: As above.
    """

    def __init__(
        self,
        patience: float,
        *,
        remote: bool,
        orders: list[Order],
        observers: Observers,
        retire: Callable[[WorkerRecord], None],
    ) -> None:
        self._retire = retire
        self.patience = patience
        self._remote = remote
        self._orders = orders
        self._observers = observers
        self._resumed: list[str] = []
        self._granted: Callable[[bytes], float] = lambda address: 0.0

    def allow_for(self, patience_of: Callable[[bytes], float]) -> None:
        """Has supervisors, by address, be silent for so long at least before they count as lost."""
        self._granted = patience_of

    def lost(
        self,
        supervisors: Iterable[SupervisorRecord],
        queue_jobs: Mapping[str, QueueJobRecord],
        now: float,
    ) -> list[SupervisorRecord]:
        """Returns the supervisors that count as lost; orders what it takes to know of the others.

        Args:
            supervisors: All.
            queue_jobs: All, by name.
            now: On the monotonic clock.
        """
        lost: list[SupervisorRecord] = []
        doubtful: dict[str, None] = {}
        for supervisor in supervisors:
            silent = now - supervisor.heard
            if silent <= self.patience / 2:
                continue
            patience = max(self.patience, self._granted(supervisor.address))
            if silent <= patience / 2:
                continue
            record = queue_jobs.get(supervisor.queue_job) if self._remote else None
            if record is not None and not supervisor.heard < record.asked <= now:
                record.asked, record.answered = now, False
                doubtful[record.name] = None
            if silent > patience and not self._is_excused(record, silent, 2 * patience):
                lost.append(supervisor)
        if doubtful:
            self._orders.append(AskAbout(tuple(doubtful)))
        if self._resumed:
            self._say(f"{_are(self._resumed)} resumed")
            self._resumed = []
        return lost

    def _is_excused(self, record: QueueJobRecord | None, silent: float, most: float) -> bool:
        if record is None:
            return False
        return bool(record.suspended) or (not record.answered and silent <= most)

    def heard(self, record: QueueJobRecord | None) -> None:
        """Event: a supervisor that runs in a queue job has spoken."""
        if record is not None and record.suspended:
            record.suspended = ""
            self._resumed.append(record.name)

    def told(
        self, records: Iterable[QueueJobRecord], suspended: Mapping[str, str], now: float
    ) -> None:
        """Event: the batch system says which of some queue jobs are suspended, and by what."""
        stopped: dict[str, list[QueueJobRecord]] = {}
        for record in records:
            record.answered = True
            by = suspended.get(record.name, "")
            if by and not record.suspended:
                stopped.setdefault(by, []).append(record)
                self._dismiss_idle(record)
            if record.suspended and not by:
                self._resumed.append(record.name)
                # It gets all of the patience to say something itself.
                for supervisor in record.supervisors:
                    supervisor.heard = now
                record.asked = math.inf
            record.suspended = by
        for by, several in stopped.items():
            self._say(_suspension(by, several))

    def _dismiss_idle(self, record: QueueJobRecord) -> None:
        """Has those who have nothing to do get nothing: others can do it now."""
        for supervisor in record.supervisors:
            for worker in supervisor.workers:
                if not worker.outstanding and not worker.leaving:
                    self._retire(worker)
                    self._orders.append(Dismiss(worker))

    def _say(self, text: str) -> None:
        self._orders.append(Warn(text))
        if self._observers.callbacks:
            self._observers.notice_given(text)


def _suspension(by: str, records: list[QueueJobRecord]) -> str:
    calls = sum(
        chunk.hi - chunk.lo
        for record in records
        for supervisor in record.supervisors
        for worker in supervisor.workers
        for chunk in worker.outstanding
    )
    waiting = f": {calls} call{'s wait' if calls > 1 else ' waits'} until then" if calls else ""
    names = _are([record.name for record in records])
    return f"{names} suspended {by}, and may be resumed{waiting}"


def _are(names: list[str]) -> str:
    return f"{named(names)} {'is' if len(names) == 1 else 'are'}"
