"""The thread that writes and sends mails: there is one while there is something to send."""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from ...logs import Log

log = Log(__name__)

#: Mails that wait to be sent at most; what comes then is lost, which the log says.
_MOST = 100


#: Seconds; a lock takes no more than some hundred years, and no infinity.
_LONGEST_WAIT = 3600.0


class _Appointment(NamedTuple):
    """Something to do: when, in which order, what."""

    when: float
    number: int
    act: Callable[[], object]


class MailThread:
    """Does one thing after the other, each not before its time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[_Appointment] = []
        self._numbers = itertools.count()
        self._running = False

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Has something done in some seconds; never blocks, never raises."""
        with self._changed:
            if len(self._waiting) >= _MOST:
                log.warning("a mail is not sent: %d wait already", _MOST)
                return
            heapq.heappush(
                self._waiting, _Appointment(time.monotonic() + seconds, next(self._numbers), act)
            )
            self._changed.notify_all()
            if not self._running:
                self._start()

    def cancel(self, act: Callable[[], object]) -> None:
        """Has something that was to be done later not be done."""
        with self._changed:
            self._waiting = [each for each in self._waiting if each.act != act]
            heapq.heapify(self._waiting)
            self._changed.notify_all()

    def finish(self, seconds: float) -> bool:
        """Waits until there is nothing left to do, for some seconds; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="gridengine-mails", daemon=True)
        try:
            thread.start()
            self._running = True
        except RuntimeError as error:  # no thread is left, or the interpreter ends
            self._waiting.clear()
            log.warning("a mail is not sent: %s", error)

    def _run(self) -> None:
        while (act := self._next()) is not None:
            try:
                act()
            except Exception as error:
                log.warning("a mail is not sent: %r", error)

    def _next(self) -> Callable[[], object] | None:
        """Returns the next thing to do when its time has come, None if there is none."""
        with self._changed:
            while self._waiting:
                left = self._waiting[0].when - time.monotonic()
                if left <= 0:
                    return heapq.heappop(self._waiting).act
                self._changed.wait(min(left, _LONGEST_WAIT))
            self._running = False
            self._changed.notify_all()
            return None


_threads = {os.getpid(): MailThread()}


def mail_thread() -> MailThread:
    """Returns that of this process: a fork has none of its parent's threads."""
    return _threads.setdefault(os.getpid(), MailThread())
