"""Writes what jobs print to the program's streams and to files, in a thread that may wait.

There is one for the whole program, as there is one terminal. It writes to what `sys.stdout` and
`sys.stderr` are at the time, whole lines at once. The dispatchers' threads only hand it over.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable

from .above_bars import above_bars

SHOWN_SECONDS = 1.0
"""Seconds for which who waits for a job also waits for what that has printed to be shown; longer
it takes where nobody reads."""

HIGH = 4 * 1024 * 1024
"""Bytes that wait to be written, above which supervisors are not told to send more."""

#: Bytes above which what comes is dropped: more than what is under way from all of a cluster, so
#: it takes jobs without end that print while nobody reads.
_FULL = 128 * 1024 * 1024

#: Seconds without anything to write after which the thread ends.
_LINGER = 0.2


class Printer:
    """Writes lines, in the order in which it gets them."""

    def __init__(self) -> None:
        # Of a lock that its thread may take again: the handler of a signal, or what is let go of
        # meanwhile, may close a dispatcher.
        self._changed = threading.Condition()
        self._items: collections.deque[tuple[str, str | Callable[[], object], int]] = (
            collections.deque()
        )
        self._thread: threading.Thread | None = None
        # How many items were ever handed over, and are done with.
        self._put = self._done = 0
        self._waiting = 0
        self._dropped = 0
        # How many were done when somebody has waited in vain.
        self._stuck_at = -1
        self._hurried = False
        self._relieved: list[Callable[[], object]] = []

    @property
    def pending(self) -> bool:
        """Whether something is not written yet."""
        return self._put != self._done

    @property
    def crowded(self) -> bool:
        """Whether so much waits that no more should come for now."""
        return self._waiting > HIGH

    def show(self, stream: str, text: str) -> None:
        """Has text written to a stream: ``stdout`` or ``stderr``."""
        self._hand_over((stream, text, len(text)))

    def call(self, action: Callable[[], object], size: int) -> None:
        """Has something else done in its turn, that is about so many bytes."""
        self._hand_over(("", action, size))

    def when_relieved(self, callback: Callable[[], object]) -> None:
        """Has ``callback`` called, in the thread that writes, when it is crowded no more."""
        with self._changed:
            if self.crowded:
                self._relieved.append(callback)
                return
        callback()

    def _hand_over(self, item: tuple[str, str | Callable[[], object], int]) -> None:
        with self._changed:
            if self._waiting > _FULL and item[0]:
                self._dropped += item[2]
                return
            if self._dropped:
                note = f"[gridengine: {self._dropped} bytes of output are dropped: nobody reads]\n"
                self._dropped = 0
                self._append(("stderr", note, len(note)))
            self._append(item)
            self._have_done()

    def _have_done(self) -> None:
        if self._thread is not None:
            self._changed.notify_all()
            return
        thread = threading.Thread(target=self._run, name="gridengine-output", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is about to end, or there is no room for another one: it waits for
            # the next line, for who asks for a job, or the end of a dispatcher.
            return
        self._thread = thread

    def _append(self, item: tuple[str, str | Callable[[], object], int]) -> None:
        self._items.append(item)
        self._put += 1
        self._waiting += item[2]

    def settle(self, timeout: float | None = None) -> None:
        """Waits until all is written that was handed over before, or so many seconds.

        With a limit only once for what is stuck.
        """
        if not self.pending or threading.current_thread() is self._thread:
            return
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            if end is not None and self._stuck_at == self._done:
                return
            last = self._put
            self._have_done()
            while self._done < last and self._thread is not None:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    self._stuck_at = self._done
                    return
                self._changed.wait(left)

    def finish(self) -> None:
        """Waits until all is written, and the thread has ended unless more has come meanwhile."""
        self.settle()
        with self._changed:
            thread, last = self._thread, self._put
            if thread is threading.current_thread():
                return
            if thread is not None:
                self._hurried = True
                self._changed.notify_all()
            while self._thread is thread and self._put == last and thread is not None:
                self._changed.wait()
            ended, nobody = self._thread is not thread, self._thread is None
        if ended and thread is not None:
            thread.join()
        # Where no thread could be had.
        while nobody and (batch := self._next()):
            self._do(*batch)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while batch := self._next_batch():
            self._do(*batch)

    def _do(self, stream: str, content: str | Callable[[], object], count: int, size: int) -> None:
        # What others have put in the place of a stream may raise anything.
        with contextlib.suppress(BaseException):
            if callable(content):
                content()
            else:
                _write(stream, content)
        self._note_done(count, size)

    def _next_batch(self) -> tuple[str, str | Callable[[], object], int, int] | None:
        """Returns what is to be done next, and waits for it; None at the end of the thread."""
        with self._changed:
            end = time.monotonic() + _LINGER
            while not self._items:
                left = end - time.monotonic()
                if left <= 0 or self._hurried:
                    self._hurried = False
                    self._thread = None
                    self._changed.notify_all()
                    return None
                self._changed.wait(left)
            return self._next()

    def _next(self) -> tuple[str, str | Callable[[], object], int, int] | None:
        """Returns what is there: one action, or all neighbouring lines of a stream."""
        with self._changed:
            if not self._items:
                return None
            stream, content, size = self._items.popleft()
            if callable(content):
                return stream, content, 1, size
            texts = [content]
            while self._items and self._items[0][0] == stream and size < HIGH:
                _, more, length = self._items.popleft()
                texts.append(str(more))
                size += length
            return stream, "".join(texts), len(texts), size

    def _note_done(self, count: int, size: int) -> None:
        relieved: list[Callable[[], object]] = []
        with self._changed:
            self._done += count
            self._waiting -= size
            if not self.crowded:
                relieved, self._relieved = self._relieved, []
            self._changed.notify_all()
        for callback in relieved:
            with contextlib.suppress(Exception):
                callback()


def _write(name: str, text: str) -> None:
    stream = getattr(sys, name)
    # A program without a terminal has none.
    if stream is None:
        return
    with above_bars(stream):
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(text.encode(encoding, errors="backslashreplace").decode(encoding))
        stream.flush()


printer = Printer()
"""That of this program."""


def _start_anew() -> None:
    """In a fork of this program: it has no such thread, and what waits is the other's."""
    printer.__init__()  # type: ignore[misc]  # others hold it


os.register_at_fork(after_in_child=_start_anew)
