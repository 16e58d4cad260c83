"""Messages that arrive once and in their order, though connections break: numbered, acknowledged.

A connection over a network may break and be made again without a word, and what was on its way is
lost. So each side numbers its messages to the other, says with each what it has heard, keeps what
is not known to be heard, and says it again when the other side finds a number missing::

    A                              B
    │ ── 7 ──────────────────────▶ │
    │ ── 8 ─────────── ✂           │   the connection breaks
    │ ── 9 ──────────────────────▶ │   "8 is missing"
    │ ◀─────── repeat, heard to 7 ─ │
    │ ── 8 ──────────────────────▶ │
    │ ── 9 ──────────────────────▶ │

That the last one is missing shows with the next: each side says something at every heartbeat.
Whoever asks says which number has shown that one is missing. If that was sent before all was said
again the last time, what was said again is still behind it on its way, and is not said once more.
Nothing here does I/O, or looks at a clock. On one host a connection breaks only with its process,
and needs none of this.
"""

from __future__ import annotations

import collections
import struct
from collections.abc import Sequence
from typing import Any

_HEADER = struct.Struct(">BQQ")
HEADER_BYTES = _HEADER.size

#: What a header says of what follows it. A sign of life has a number too, but comes so rarely that
#: whatever is missing before it is asked for, though it has been asked for already: that may be
#: lost as well.
_MESSAGE, _SIGN_OF_LIFE, _ACKNOWLEDGEMENT, _REPEAT, _UNNUMBERED, _QUESTION = range(6)

BEYOND_LINKS = 16
"""The first kind of header that is not for links: see `gridengine.transport.pieces`."""

#: Messages, and bytes, after which the other side is told at the latest what was heard: it keeps
#: them until then.
_UNACKNOWLEDGED = 64
_UNACKNOWLEDGED_BYTES = 1024 * 1024

Frames = list[Any]


class LinkError(ValueError):
    """What was received does not begin with a header."""


def belongs_to_none(header: bytes) -> bool:
    """Tells whether a message with this header belongs to no link."""
    return header[:1] == bytes([_UNNUMBERED])


def unnumbered(message: bytes) -> bytes:
    """Returns a message that belongs to no link: a question whether somebody is there."""
    return _HEADER.pack(_UNNUMBERED, 0, 0) + message


class Link:
    """One side of the link with a peer.

    Attributes:
        sent: How many messages were sent, or rather begun to be.
        received: How many were heard.
    """

    __slots__ = ("_asked", "_bytes", "_kept", "_repeated", "_unsaid", "received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        # What the other side has not acknowledged, oldest first.
        self._kept: collections.deque[Frames] = collections.deque()
        # How far it was asked to say again what is missing.
        self._asked = -1
        # How far the other side had heard when all was said again, and what was the last of it.
        self._repeated = (-1, 0)
        # Messages and bytes that were heard since the other side was told.
        self._unsaid = self._bytes = 0

    @property
    def kept(self) -> int:
        """How many messages are not known to be heard."""
        return len(self._kept)

    def outgoing(
        self, message: bytes, frames: Sequence[Any] = (), *, sign_of_life: bool = False
    ) -> Frames:
        """Returns the frames to send for a message, and keeps them."""
        self.sent += 1
        kind = _SIGN_OF_LIFE if sign_of_life else _MESSAGE
        numbered = [_HEADER.pack(kind, self.sent, self.received) + message, *frames]
        self._kept.append(numbered)
        self._unsaid = self._bytes = 0
        return numbered

    def question(self) -> Frames:
        """Returns the frames to send to have all that is missing asked for, or acknowledged."""
        return [_HEADER.pack(_QUESTION, self.sent, self.received)]

    def incoming(self, frames: Frames) -> tuple[Frames | None, list[Frames]]:
        """Takes in what was received.

        Returns:
            The message's frames, without the header, None if there is no message for this side's
            user; and what is to be sent in answer.

        Raises:
            LinkError: It does not begin with a header.
        """
        first = memoryview(frames[0])
        if len(first) < HEADER_BYTES:
            raise LinkError("it is shorter than a header")
        kind, number, heard = _HEADER.unpack_from(first)
        if kind > _QUESTION:
            raise LinkError(f"there are no headers of kind {kind}")
        body: Frames = [first[HEADER_BYTES:], *frames[1:]]
        if kind == _UNNUMBERED:
            return body, []
        if not self.received and heard > self.sent:
            # It has heard more than was ever said: it is one that was dead for this side, which
            # has forgotten it, and could never be satisfied.
            return None, []
        while self._kept and self.sent - len(self._kept) < min(heard, self.sent):
            self._kept.popleft()
        if kind == _REPEAT:
            return None, self._repeat(heard, number)
        if kind == _ACKNOWLEDGEMENT:
            return None, []
        if kind == _QUESTION:
            missing = number > self.received
            return None, self._ask(number, always=True) if missing else [self._acknowledgement()]
        if number == self.received + 1:
            return body, self._accept(body)
        if number <= self.received:
            return None, []
        return None, self._ask(number, always=kind == _SIGN_OF_LIFE)

    def _repeat(self, heard: int, number: int) -> list[Frames]:
        before, last = self._repeated
        if heard == before and number <= last:
            return []
        self._repeated = heard, self.sent
        return list(self._kept)

    def _accept(self, body: Frames) -> list[Frames]:
        self.received += 1
        self._unsaid += 1
        self._bytes += sum(len(f) if type(f) is bytes else f.nbytes for f in body)
        if self._unsaid < _UNACKNOWLEDGED and self._bytes < _UNACKNOWLEDGED_BYTES:
            return []
        return [self._acknowledgement()]

    def _acknowledgement(self) -> Frames:
        self._unsaid = self._bytes = 0
        return [_HEADER.pack(_ACKNOWLEDGEMENT, 0, self.received)]

    def _ask(self, number: int, *, always: bool) -> list[Frames]:
        # Once for all that follows what is missing, or each would have all of it said again.
        if self._asked == self.received and not always:
            return []
        self._asked = self.received
        return [[_HEADER.pack(_REPEAT, number, self.received)]]
