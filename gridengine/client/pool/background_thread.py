"""A thread of a pool that does what others may not wait for, one thing after the other."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable

_Inbox = queue.SimpleQueue[Callable[[], object] | None]


class BackgroundThread:
    """A thread that is started when it is first needed, and ends when it is told to.

    Args:
        name: What people call it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._inbox: _Inbox = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def start(self) -> None:
        """Has it be there; to be called before there is something for it to do.

        Raises:
            RuntimeError: There can be no more threads.
        """
        # In a fork of the program it is not, and what it had to do is the program's affair.
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._inbox = queue.SimpleQueue()
            # It does not keep alive whose thread it is.
            self._thread = threading.Thread(
                target=_work, args=(self._inbox,), name=self._name, daemon=True
            )
            self._thread.start()
            self._pid = os.getpid()

    def do(self, what: Callable[[], object]) -> None:
        """Has it call ``what`` when it has done all else. Never blocks."""
        self._inbox.put(what)

    def end(self) -> None:
        """Has it end when it has done all that it was told. Returns at once."""
        self._inbox.put(None)

    def join(self) -> None:
        """Waits until it has ended, unless it is this very thread."""
        thread = self._thread
        if self._pid == os.getpid() and thread is not None and not self.is_current():
            thread.join()

    def is_current(self) -> bool:
        """Tells whether the caller runs in it."""
        return threading.current_thread() is self._thread


def _work(inbox: _Inbox) -> None:
    for what in iter(inbox.get, None):
        try:
            what()
        except BaseException:
            # As of a thread of the program's own: told, and no more. The next one is due.
            hook_args = threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            threading.excepthook(hook_args)
        # What it refers to shall not live until the next one comes.
        del what
