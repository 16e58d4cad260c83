"""Who is being let in at a port: how many at a time, and that the program keeps its descriptors.

A connection takes a descriptor and memory before its peer has shown the session's key, and anybody
who reaches the port can make some. ZeroMQ gives each `HANDSHAKE_SECONDS`, and knows no bound on how
many they are, but tells of them::

    accepted ── handshake ── succeeded
                    └─────── failed, or timed out

So they are counted here, by the dispatcher's thread. While there are `most`, newcomers wait in the
kernel. Who is too many nevertheless, since this thread has looked late, is hung up on: first those
who have had the time that honest peers take, then those who have come last. The honest try again.
"""

from __future__ import annotations

import collections
import contextlib
import math
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import zmq

from . import descriptors
from .listening import Listeners

HANDSHAKE_SECONDS = 2.0
"""Seconds in which a peer must have shown its key. A handshake takes milliseconds; but the
dispatcher's thread answers in it, and it may have to wait for the interpreter's lock."""

MOST = 256
"""Connections at most whose handshake is not over. Times the largest frame that ZeroMQ takes from
each, `pieces.LARGEST_FRAME`, it is 32 MiB. A thousand workers that come at once are all there after
1.0 to 1.5 s, with a bound of 128 after 1.4 to 3.5 s, and without any after 1.6 to 3.1 s."""

BACKLOG = 4
"""Times as many may wait in the kernel. A peer for which there is no room there tries again after
seconds; and all that wait there come at once when others may."""

#: The part of all descriptors that may be theirs.
_PART = 8

#: Seconds that a handshake takes at most as a rule.
_USUAL = 0.5

#: Seconds within which so many must fail as a flood has, for it to be said.
_OF_LATE = 10.0

#: Seconds between two looks while newcomers wait, and while nothing happens.
_SOON, _LATER = 0.02, 1.0

#: Bytes at most that a peer has received before it is let in: a greeting (64) and a welcome (170),
#: https://rfc.zeromq.org/spec/26. The word that it is in is 67 bytes long.
_BEFORE = 260

#: Where linux/tcp.h has ``tcpi_bytes_acked`` in ``struct tcp_info``.
_ACKNOWLEDGED = struct.Struct("120xQ")

_OVER = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_EVENT = struct.Struct("=HI")


def most() -> int:
    """Returns how many connections there may be at a time whose handshake is not over."""
    return max(1, min(MOST, descriptors.limit() // _PART))


class Admission:
    """Keeps the number of those within bounds who knock at a ZeroMQ socket.

    To be made before the socket listens; used by one thread.

    Args:
        context: The socket's.
        knocked_at: The socket.
        complain: As `gridengine.transport.base.Connections.complain`.

    Attributes:
        news: A socket that is readable when there is something to `look` at.
        hung_up: How many connections have ended that had been let in.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        knocked_at: zmq.Socket[bytes],
        complain: Callable[[bytes, str], None],
    ) -> None:
        self._complain = complain
        self._knocked_at = knocked_at
        self._most = most()
        self._listeners: Listeners | None = None
        self._closed = False
        self._due = 0.0
        # When those came whose handshake is not over. Who of them is who does not matter: whenever
        # one is over, the oldest is dropped.
        self._coming: collections.deque[float] = collections.deque()
        # All who came of late by their descriptors, and when that was, the oldest first.
        self._recent: dict[int, float] = {}
        # Those that were hung up on, of which ZeroMQ is to tell that they have failed; until when.
        self._dropped, self._dropped_until = 0, 0.0
        # How many have failed of late, and since when that is counted.
        self._failed, self._failed_since = 0, 0.0
        self._spares: list[int] = []
        self.hung_up = 0
        address = "inproc://gridengine.admission"
        self.news: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        # Without a bound, or ZeroMQ's threads would wait for whoever reads this.
        self.news.rcvhwm = 0
        # Not of accept() that fails: without a descriptor ZeroMQ tries it again at once, for ever.
        knocked_at.monitor(address, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | _OVER)
        self.news.connect(address)

    def guard(self, listeners: Listeners) -> None:
        """Begins, with the sockets that ``knocked_at`` listens through."""
        self._listeners = listeners
        self._fill_spares()

    def due_in(self) -> float:
        """Returns the seconds until the next `look`, if there are no news before."""
        return max(0.0, self._due - time.monotonic())

    def look(self) -> None:
        """Takes in who has come, and lets in as many more as there may be."""
        if self._listeners is None:
            return
        now = time.monotonic()
        self._take_in(now)
        self._forget(now)
        short = not descriptors.are_free(descriptors.SPARE)
        excess = len(self._coming) - (0 if short else self._most)
        if short or excess >= 0:
            self._close(short)
        if excess > 0:
            self._drop(excess, now)
        if short:
            self._turn_away()
        elif self._closed and len(self._coming) <= self._most // 2:
            self._closed = False
            self._listeners.let_in()
        self._fill_spares()
        self._due = now + (_SOON if self._closed or self._coming else _LATER)

    def _take_in(self, now: float) -> None:
        while cast(int, self.news.get(zmq.EVENTS)) & zmq.POLLIN:
            event, value = _EVENT.unpack(self.news.recv_multipart()[0])
            if event == zmq.EVENT_ACCEPTED:
                self._coming.append(now)
                # The number may have been that of one that is gone.
                self._recent.pop(value, None)
                self._recent[value] = now
            elif event == zmq.EVENT_DISCONNECTED:
                self.hung_up += 1
            elif event != zmq.EVENT_HANDSHAKE_SUCCEEDED and self._dropped:
                self._dropped -= 1
            elif self._coming:
                self._coming.popleft()
                self._failed += event != zmq.EVENT_HANDSHAKE_SUCCEEDED

    def _forget(self, now: float) -> None:
        # ZeroMQ does not tell of all who fail: not of those that speak its protocol 1.
        before = now - HANDSHAKE_SECONDS - _USUAL
        while self._coming and self._coming[0] < before:
            self._coming.popleft()
            self._failed += 1
        while self._recent and self._recent[first := next(iter(self._recent))] < before:
            del self._recent[first]
        if now > self._dropped_until:
            self._dropped = 0
        if now > self._failed_since + _OF_LATE:
            self._failed, self._failed_since = 0, now

    def _close(self, short: bool) -> None:
        assert self._listeners is not None
        if not self._closed:
            self._closed = True
            self._listeners.hold_back()
        # Of a flood others are to blame, also if more of it was accepted than was looked at.
        if short and len(self._coming) + self._dropped < self._most:
            self._complain(
                b"the port",
                "nobody is let in for now, for nearly no descriptor is left: close some files, or "
                "raise the limit (ulimit -n)",
            )
        elif self._failed >= self._most // 2:
            self._complain(
                b"the port",
                f"{self._failed} connections have not shown this session's key in time, and so "
                "others have to wait. Close the port to strangers, or have the program listen "
                "elsewhere (GRIDENGINE_PORTS, GRIDENGINE_HOST)",
            )

    def _drop(self, excess: int, now: float) -> None:
        slow = [number for number, came in self._recent.items() if came < now - _USUAL]
        quick = list(self._recent)[len(slow) :]
        for number in self._hang_up([*slow, *reversed(quick)]):
            del self._recent[number]
            self._coming.pop()
            self._dropped += 1
            self._dropped_until = now + HANDSHAKE_SECONDS
            excess -= 1
            if not excess:
                return

    def _hang_up(self, numbers: Iterable[int]) -> Iterator[int]:
        """Ends connections by their descriptors, one after the other; yields each that was to end.

        The descriptors are ZeroMQ's, and it may have closed one that it told of: so it is looked
        at, and ended, by a duplicate, which is what it is whoever closes what.
        """
        assert self._listeners is not None
        if not self._spares:
            return
        spare = self._spares[0]
        try:
            for number in numbers:
                try:
                    os.dup2(number, spare, inheritable=False)
                    ended = _end_if_not_let_in(spare, self._listeners.port)
                except OSError:
                    continue
                if ended:
                    yield number
        finally:
            os.dup2(self._listeners.sockets[0].fileno(), spare, inheritable=False)

    def _turn_away(self) -> None:
        """Hangs up on those that ZeroMQ cannot accept, and would try to for ever."""
        assert self._listeners is not None
        if len(self._spares) > 1:
            os.close(self._spares.pop())
            self._listeners.turn_away()

    def _fill_spares(self) -> None:
        assert self._listeners is not None
        with contextlib.suppress(OSError):
            while len(self._spares) < 2:
                self._spares.append(os.dup(self._listeners.sockets[0].fileno()))

    def close(self) -> None:
        """Ends it; before the socket is closed."""
        self._knocked_at.disable_monitor()
        self.news.close(linger=0)
        if self._listeners is not None:
            self._listeners.close()
        while self._spares:
            os.close(self._spares.pop())


def _end_if_not_let_in(descriptor: int, port: int) -> bool:
    """Ends a connection to a port whose peer has not shown its key; False if it is none.

    Raises:
        OSError: It is no socket, or has ended.
    """
    connection = socket.socket(fileno=descriptor)
    try:
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        # A spare of these may have the number of a connection that is gone.
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return False
        if connection.getsockname()[1] != port or _acknowledged(connection) > _BEFORE:
            return False
        connection.shutdown(socket.SHUT_RDWR)
        return True
    finally:
        connection.detach()


def _acknowledged(connection: socket.socket) -> float:
    """Returns how many bytes a peer is known to have received, as far as the system tells."""
    if not hasattr(socket, "TCP_INFO"):
        return -math.inf
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED.size)
    if len(info) < _ACKNOWLEDGED.size:
        return -math.inf
    return cast(int, _ACKNOWLEDGED.unpack(info)[0])
