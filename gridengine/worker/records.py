"""What jobs have logged and warned of, as long as a worker has not sent it.

Only a worker's main thread sends anything. What other threads log, and what is logged just after
something was sent, waits for a moment: the supervisor, which is told of it by a page of memory,
then sends the signal by which results are asked for, too. There is no thread for it, which would
have Python warn of whatever forks in a job.
"""

from __future__ import annotations

import _thread
import collections
import time
from collections.abc import Callable

from ..transport.logged import MOST_RECORDS, Logged, LoggedRecord, WarningShown
from .progress_page import ProgressPage

#: Seconds that a record waits, at most, as long as the job's thread runs Python code.
_PATIENCE = 0.2

#: Records, and bytes of them, that are sent together. The job that logs on waits until they are.
_BATCH, _BATCH_BYTES = 200, 128 * 1024

#: Seconds from one wait for the departure of what is urgent to the next, at least: a job that logs
#: much of that is not to spend its time so.
_BETWEEN = 0.02

#: As many wait at most while the main thread does not come to it, in C code say.
_MOST, _MOST_BYTES = 10_000, 4 * 1024 * 1024


class Records:
    """Those of one worker.

    Args:
        page: Shared with the supervisor.
        wake: Has the supervisor look at it.
        send: Sends what waits, unless that cannot be now.
        departure: Seconds until what was sent would survive this process.

    Attributes:
        task: Number of the task whose call runs, or ran last.
    """

    def __init__(
        self,
        page: ProgressPage,
        wake: Callable[[], object],
        send: Callable[[], object],
        departure: float = 0.0,
    ) -> None:
        self.task = 0
        self._page = page
        self._wake = wake
        self._send = send
        self._departure = departure
        self._departed = 0.0
        self._main = _thread.get_ident()
        # Appended to by any thread, and by handlers of signals, which can wait for no lock.
        self._waiting: collections.deque[tuple[LoggedRecord | WarningShown, int]]
        self._waiting = collections.deque()
        # About as many bytes: two threads that add at once may lose some of them.
        self._bytes = self._dropped = 0
        self._sent = 0.0
        self._due = False

    def __bool__(self) -> bool:
        return bool(self._waiting or self._dropped)

    def add(self, said: LoggedRecord | WarningShown, size: int, *, urgent: bool) -> None:
        """Takes in a record or a warning, from any thread, and sends it if it is time to.

        Args:
            said: It.
            size: Its bytes, about.
            urgent: Whether it shall arrive though this process ends at once.

        Raises:
            ConnectionError: The program is gone.
        """
        if len(self._waiting) >= _MOST or self._bytes >= _MOST_BYTES:
            self._dropped += 1
            return
        self._waiting.append((said, size))
        self._bytes += size
        now = time.monotonic()
        many = len(self._waiting) >= _BATCH or self._bytes >= _BATCH_BYTES
        if _thread.get_ident() == self._main and (urgent or many or now - self._sent > _PATIENCE):
            self._send()
            if urgent and self._departure and now - self._departed > _BETWEEN:
                time.sleep(self._departure)
                self._departed = time.monotonic()
        if self._waiting and not self._due:
            self._due = True
            self._page.set_records_due(now if urgent else now + _PATIENCE)
            self._wake()

    @property
    def batches(self) -> int:
        """How many messages it takes to send what waits now."""
        return -(-len(self._waiting) // MOST_RECORDS) or bool(self._dropped)

    def take(self) -> tuple[Logged, int] | None:
        """Returns a message with some of them, and its bytes, about; None if there are none."""
        if self._due:
            self._due = False
            self._page.set_records_due(0)
        if not self:
            return None
        self._sent = time.monotonic()
        dropped, self._dropped = self._dropped, 0
        message, bytes_taken = Logged([], [], dropped), 0
        # What is added meanwhile is for the next one.
        for _ in range(min(len(self._waiting), MOST_RECORDS)):
            said, size = self._waiting.popleft()
            bytes_taken += size
            if type(said) is LoggedRecord:
                message.records.append(said)
            else:
                message.warnings.append(said)  # type: ignore[arg-type]  # what else there is
        self._bytes = max(0, self._bytes - bytes_taken) if self._waiting else 0
        return message, bytes_taken


def sendable(text: object, most: int) -> str:
    """Returns a text as it can travel: of ``most`` characters, and no lone surrogates."""
    shown = text if type(text) is str else str(text)
    if len(shown) > most:
        shown = shown[: most - 1] + "…"
    if not shown.isascii():
        shown = shown.encode("utf-8", "backslashreplace").decode("utf-8")
    return shown[:most]
