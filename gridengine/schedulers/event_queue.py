"""What a session has to say, and a descriptor that tells when it has something."""

from __future__ import annotations

import collections

from ..transport.wake_pipe import WakePipe
from .events import Event


class EventQueue:
    """The half of a `Session` that is the same in all: ``events`` and ``fileno``.

    Any thread may say something.
    """

    def __init__(self) -> None:
        self._events: collections.deque[Event] = collections.deque()
        self._pipe = WakePipe()

    def say(self, event: Event) -> None:
        """Adds an event; after `close` nobody hears it."""
        self._events.append(event)
        self._pipe.wake()

    def take(self) -> list[Event]:
        """Returns what was said since the last call, oldest first: `Session.events`."""
        self._pipe.empty()
        taken = []
        while self._events:
            taken.append(self._events.popleft())
        return taken

    def fileno(self) -> int:
        """Returns a descriptor that is readable when there is something to take."""
        return self._pipe.read_end

    def close(self) -> None:
        """Closes the descriptor. Idempotent."""
        self._pipe.close()
