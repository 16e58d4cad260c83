"""The lines to and from the user's program, and how its end is noticed."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import threading
from collections.abc import Callable

from .messages import LogEntry, Malformed, Message, decode, encode

_CHUNK = 65536
_PARENT_POLL = 1000  # milliseconds between two looks at the parent, where there is no pidfd


class Orphaned:
    """What the inbox has after the last message, once the other side is gone."""


class MessageReader:
    """Reads messages in a thread of its own, so that the other side can always write.

    It notices the end of the user's program in two ways: the pipe closes, or, if a forked child
    of the program still holds the pipe open, the process ends.
    """

    def __init__(self, descriptor: int, receive: Callable[[object], None]) -> None:
        self._descriptor = descriptor
        self._receive = receive
        self._rest = b""
        threading.Thread(target=self._run, args=(os.getppid(),), daemon=True).start()

    def _run(self, parent: int) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        handle = _pidfd(parent)
        if handle is not None:
            poll.register(handle, select.POLLIN)
        wait = _PARENT_POLL if handle is None else None
        while os.getppid() == parent:
            ready = {descriptor for descriptor, _ in poll.poll(wait)}
            if self._descriptor in ready and not self._read():
                break
            if handle in ready:
                break
        self._receive(Orphaned())

    def _read(self) -> bool:
        chunk = os.read(self._descriptor, _CHUNK)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in filter(None, lines):
            try:
                self._receive(decode(line))
            except Malformed as error:
                self._receive(LogEntry(f"not understood: {error}"))
        return bool(chunk)


class MessageWriter:
    """Writes messages in a thread of its own: a program that does not read holds up nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Has a message written, soon."""
        self._queue.put(message)

    def finish(self, seconds: float) -> None:
        """Waits until all messages are written, or nobody reads them."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # nobody is there to read it
            while (message := self._queue.get()) is not None:
                line = encode(message)
                while line:
                    line = line[os.write(self._descriptor, line) :]


def _pidfd(process: int) -> int | None:
    try:
        return os.pidfd_open(process)
    except (AttributeError, OSError):
        return None
