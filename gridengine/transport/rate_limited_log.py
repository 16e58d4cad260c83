"""Log lines about peers that should not be there: few, however many peers there are.

Whoever can reach a port decides how often it is knocked at; a scan of ports, or a program that
has gone wrong, shall not fill the disk with a log.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..logs import Log

PERIOD = 600.0
"""Seconds for which one line about a peer is enough."""

MOST = 20
"""Lines in such a period: what a person reads; the others are only counted."""


class RateLimitedLog:
    """Says once in a while what is wrong with a peer.

    Args:
        log: Where it is said, as a warning.
        clock: The time in seconds.
    """

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._since = -math.inf
        self._named: set[bytes] = set()
        self._withheld = 0

    def about(self, peer: bytes, text: str) -> None:
        """Says ``text`` about a peer, unless enough has been said.

        Args:
            peer: Its address; it is shown, as the peer may have chosen it, in quotes.
            text: What it did. May quote the peer: it stays one line.
        """
        now = self._clock()
        if now - self._since >= PERIOD:
            self._since = now
            self._named.clear()
        if peer in self._named or len(self._named) >= MOST:
            self._withheld += 1
            return
        self._named.add(peer)
        line = " ".join(text[:_LENGTH].split())
        if self._withheld:
            line += f" (before that, {self._withheld} more of this sort were not told)"
        self._withheld = 0
        self._log.warning("%r: %s", peer[:_LENGTH], line)


_LENGTH = 200
