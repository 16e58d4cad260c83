"""How often to try, and what to say, while the batch system does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST = 0.5  # seconds until the second try
_LONGEST = 10.0  # seconds between two tries, however long it takes


class Outage:
    """The state of the connection: it says once that it is lost, and once that it is back."""

    def __init__(self, say: Callable[[str], None], master: str) -> None:
        self._say = say
        self._master = master
        self._pause = _FIRST
        self.since: float | None = None
        self.retry = 0.0
        """When to try again, on the monotonic clock."""

    def lost(self, reason: str) -> None:
        """Notes that it did not answer."""
        now = time.monotonic()
        if self.since is None:
            self.since = now
            self._say(f"{self._master} does not answer, trying again: {reason}")
        self.retry = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST)

    def answered(self) -> bool:
        """Notes that it did. Returns whether an outage is over with that."""
        if self.since is None:
            return False
        self._say(f"{self._master} answers again, after {time.monotonic() - self.since:.0f} s")
        self.since, self._pause, self.retry = None, _FIRST, 0.0
        return True
