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

    What it is told after that is done all the same, by another one that follows it: whoever ends
    it cannot know of what is just about to come.

    Args:
        name: What people call it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._inbox: _Inbox = queue.SimpleQueue()
        # In the order in which they are at it, one after the other.
        self._threads: list[threading.Thread] = []
        self._ended = False
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
            self._threads = []
            self._begin(_work, self._inbox)
            self._pid = os.getpid()
        if self._ended:
            # Told meanwhile, but perhaps to the other inbox.
            self._inbox.put(None)

    def _begin(self, target: Callable[..., None], *args: object) -> None:
        # It does not keep alive whose thread it is.
        thread = threading.Thread(target=target, args=args, name=self._name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def do(self, what: Callable[[], object]) -> None:
        """Has it call ``what`` when it has done all else. Never blocks."""
        self._inbox.put(what)
        if self._ended:
            # It may have ended before it saw that.
            with self._lock:
                self._begin(_work_off, self._inbox, self._threads[-1:])

    def end(self) -> None:
        """Has it end when it has done all that it was told. Returns at once."""
        # Also by the garbage collector, anywhere: it can wait for no lock.
        self._ended = True
        self._inbox.put(None)

    def join(self) -> None:
        """Waits until it has ended, unless it is this very thread."""
        if self._pid == os.getpid() and not self.is_current():
            for thread in list(self._threads):
                thread.join()

    def is_current(self) -> bool:
        """Tells whether the caller runs in it."""
        return threading.current_thread() in self._threads


def _work(inbox: _Inbox) -> None:
    for what in iter(inbox.get, None):
        _do(what)
        # What it refers to shall not live until the next one comes.
        del what


def _work_off(inbox: _Inbox, before: list[threading.Thread]) -> None:
    """Does what is left when the threads before have ended."""
    for thread in before:
        thread.join()
    while True:
        try:
            what = inbox.get_nowait()
        except queue.Empty:
            return
        if what is not None:
            _do(what)


def _do(what: Callable[[], object]) -> None:
    try:
        what()
    except BaseException:
        # As of a thread of the program's own: told, and no more. The next one is due.
        hook_args = threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
        threading.excepthook(hook_args)
