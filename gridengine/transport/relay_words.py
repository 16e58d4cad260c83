"""What the program and a relay say to each other, beside the messages that the relay passes on.

Such a record has no sender's or receiver's address, but one of these words behind an empty frame::

    relay                                            program
     │ ── HELLO(what it is) ──────────────────────────▶ │  its first word
     │ ── PING(a number, the last round trip) ────────▶ │  from time to time
     │ ◀──────────────── PONG(the number, patience) ─── │  at once
     │ ── GONE(address) ──────────────────────────────▶ │  no more can come from there
     │ ── BYE ────────────────────────────────────────▶ │  its last word
"""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

HELLO, PING, PONG, GONE, BYE = b"hello", b"ping", b"pong", b"gone", b"bye"

_PAIR = struct.Struct(">Qd")

FOLDER = "messages"
"""What the folder for segments is called, in the program's own."""

UP, DOWN = "up", "down"
"""What follows a relay's name in those of the segments to the program, and from it."""


class RelayHello(NamedTuple):
    """What a relay is.

    Attributes:
        host: Where it runs.
        queue_job: Whose it is.
        reason: Why its queue job does not speak by the network: each address, and what came of it;
            empty if it was told not to.
    """

    host: str
    queue_job: str
    reason: str


def hello(what: RelayHello) -> list[Any]:
    """Returns a relay's first word."""
    return [b"", HELLO, json.dumps(what).encode()]


def read_hello(told: bytes) -> RelayHello:
    """Returns what a relay has said of itself.

    Raises:
        ValueError: It makes no sense.
    """
    host, queue_job, reason = json.loads(bytes(told))
    if not all(isinstance(each, str) and each.isprintable() for each in (host, queue_job, reason)):
        raise ValueError("no words")
    return RelayHello(host[:200], queue_job[:200], reason[:4000])


def pair(word: bytes, number: int, seconds: float) -> list[Any]:
    """Returns a `PING` or a `PONG`."""
    return [b"", word, _PAIR.pack(number, seconds)]


def read_pair(told: bytes) -> tuple[int, float]:
    """Returns the number and the seconds.

    Raises:
        ValueError: It makes no sense.
    """
    try:
        number, seconds = _PAIR.unpack(told)
    except struct.error as error:
        raise ValueError(str(error)) from None
    if not 0 <= seconds < 1e6:
        raise ValueError(f"{seconds} s")
    return number, seconds


def segments_of(name: str, way: str) -> str:
    """Returns what a relay's segments are called, but for their number."""
    return f"{name}.{way}"


def first_of(file: str) -> str:
    """Returns the name of the relay whose first segment a file is, else an empty string."""
    name, _, rest = file.partition(".")
    return name if rest == f"{UP}.0" and name.isalnum() else ""
