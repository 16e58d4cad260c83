"""What jobs have logged is handled by the program's `logging`, and their warnings are shown.

The dispatcher's thread must not wait for a handler. So a thread of its own handles the records,
which is there as long as there are some. Who asks how a job has ended waits until what that has
logged is handled, unless a handler is stuck; and it is there, in the thread that asks, that its
warnings are shown, where `warnings.catch_warnings` sees them.
"""

from __future__ import annotations

import collections
import os
import threading
import time

from ..ledger.records import WorkerRecord
from ..ledger.task import Task
from ..logs import Log
from ..transport.logged import Logged, LoggedRecord, WarningShown

log = Log(__name__)

#: Records, and bytes of them and of warnings, that wait at most. What comes when as many do is
#: dropped, and told.
_MOST, _MOST_BYTES = 10_000, 64 * 1024 * 1024

#: Warnings of one task that wait until somebody asks for it, at most.
_MOST_WARNINGS = 1000

#: Tasks whose warnings nobody has asked for that are waited with; those of others are shown then.
_MOST_UNASKED = 1000

#: Tasks that are remembered, for what their threads log when they are over.
_REMEMBERED = 10_000

#: Records that are handled until those are woken that wait for one of them.
_BATCH = 100

#: Seconds that are waited for a handler that does not come to its end.
_PATIENCE = 1.0

#: Seconds without a record after which the thread ends.
_IDLE = 0.2


class Told:
    """What a task has logged and warned of.

    Args:
        job: What people call it.
        records: Who handles it.

    Attributes:
        job: As above.
        until: Number of its latest record among all.
        warnings: Those that were not shown, and the host of each.
    """

    __slots__ = ("_records", "job", "until", "warnings")

    def __init__(self, job: str, records: JobRecords) -> None:
        self.job = job
        self._records = records
        self.until = 0
        self.warnings: collections.deque[tuple[WarningShown, str]] = collections.deque()

    def settle(self) -> None:
        """Waits until its records are handled, and shows its warnings."""
        self._records.wait_for(self.until)
        self.show()

    def show(self) -> None:
        """Shows its warnings, once."""
        # Not where the first worker waits for it.
        from .show_warning import show

        while self.warnings:
            try:
                warning, host = self.warnings.popleft()
            except IndexError:
                # Another thread was quicker.
                return
            self._records.is_shown(warning)
            try:
                show(warning, self.job, host)
            except Exception:
                # What the program has put in the place of `warnings.showwarning`.
                log.exception("a warning of job %r cannot be shown: %s", self.job, warning.text)


class JobRecords:
    """Those of one dispatcher."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: collections.deque[tuple[LoggedRecord, Told, str]] = collections.deque()
        self._bytes = self._dropped = 0
        # Characters of warnings that wait.
        self._unshown = 0
        # How many were taken in, and handled.
        self._taken = self._handled = 0
        self._thread: threading.Thread | None = None
        # When one was handled, or came when all were.
        self._moved = 0.0
        self._told: dict[int, Told] = {}
        self._unasked: collections.deque[Told] = collections.deque()
        # Those of them that are to be shown in this thread: the dispatcher's must not wait for it.
        self._overdue: collections.deque[Told] = collections.deque()

    # ------------------------------------------------------------------ the dispatcher's thread

    def take_in(self, worker: WorkerRecord, message: Logged) -> None:
        """Takes in what calls of a worker have logged and warned of."""
        host = worker.place.host
        dropped = message.dropped
        for warning in message.warnings:
            told = self._told_of(worker, warning.task)
            if len(told.warnings) >= _MOST_WARNINGS or self._unshown > _MOST_BYTES:
                dropped += 1
                continue
            if not told.warnings:
                self._unasked.append(told)
            with self._changed:
                self._unshown += len(warning.text)
            told.warnings.append((warning, host))
        with self._changed:
            if self._handled == self._taken:
                self._moved = time.monotonic()
            while len(self._unasked) > _MOST_UNASKED:
                self._overdue.append(self._unasked.popleft())
            self._dropped += dropped
            for record in message.records:
                self._add(record, self._told_of(worker, record.task), host)
            if self._has_some():
                self._have_handled()

    def _has_some(self) -> bool:
        return bool(self._waiting or self._dropped or self._overdue)

    def _add(self, record: LoggedRecord, told: Told, host: str) -> None:
        if len(self._waiting) >= _MOST or self._bytes > _MOST_BYTES:
            self._dropped += 1
            return
        self._waiting.append((record, told, host))
        self._bytes += _size(record)
        self._taken += 1
        told.until = self._taken

    def _told_of(self, worker: WorkerRecord, number: int) -> Told:
        told = self._told.get(number)
        if told is None:
            task = _task_of(worker, number)
            told = self._told[number] = Told("" if task is None else task.name, self)
            if task is not None:
                task.told = told
            if len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
        return told

    def _have_handled(self) -> None:
        if self._thread is not None:
            self._changed.notify_all()
            return
        self._thread = threading.Thread(target=self._run, name="gridengine-logs", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # The interpreter is about to end, or there is no room for another one: they wait for
            # the next record, or the end of the dispatcher.
            self._thread = None

    def close(self) -> None:
        """Has all handled and shown that has come."""
        self.wait_for(self._taken)
        if self._thread is None:
            self._handle_some(len(self._waiting))
        _show_all(self._overdue)
        _show_all(self._unasked)

    # ------------------------------------------------------------------ any thread

    def wait_for(self, number: int) -> None:
        """Waits until a record, and all before it, are handled; not for a handler that is stuck."""
        if self._handled >= number or self._pid != os.getpid():
            return
        if threading.current_thread() is self._thread:
            # A handler that asks for a job.
            return
        with self._changed:
            while self._handled < number and self._thread is not None:
                # Not by what wakes it: that more has come says nothing of the handler.
                left = self._moved + _PATIENCE - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def is_shown(self, warning: WarningShown) -> None:
        """Notes that a warning does not wait any more."""
        with self._changed:
            self._unshown -= len(warning.text)

    # ------------------------------------------------------------------ its own thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(self._has_some, _IDLE):
                    self._thread = None
                    self._changed.notify_all()
                    return
            self._handle_some(_BATCH)
            with self._changed:
                self._changed.notify_all()
            _show_all(self._overdue)

    def _handle_some(self, most: int) -> None:
        from .handle_record import handle

        for _ in range(min(most, len(self._waiting))):
            with self._changed:
                record, told, host = self._waiting.popleft()
                self._bytes -= _size(record)
            handle(record, told.job, host)
            self._handled += 1
            self._moved = time.monotonic()
        with self._changed:
            dropped = 0 if self._waiting else self._dropped
            self._dropped -= dropped
        if dropped:
            log.warning(
                "%s records and warnings of jobs were dropped: more came than were handled", dropped
            )


def _show_all(unasked: collections.deque[Told]) -> None:
    while unasked:
        try:
            told = unasked.popleft()
        except IndexError:
            # Another thread was quicker.
            return
        told.show()


def _task_of(worker: WorkerRecord, number: int) -> Task | None:
    return next((chunk.task for chunk in worker.outstanding if chunk.task.id == number), None)


def _size(record: LoggedRecord) -> int:
    size: int = 1000 + len(record.text) + len(record.exception) + len(record.extra)
    return size
