"""What the ledger holds: pieces of work, what it knows of each worker, and its orders."""

from __future__ import annotations

import collections
import itertools
import math
from typing import NamedTuple

from .task import Ticket


class Piece:
    """A run of calls, ``lo`` to ``hi`` (not included), of a ticket.

    Attributes:
        deaths: How often a worker died while it ran one of these calls.
        losses: How often it was lost for a reason that no job is to blame for.
        errors: How often it has raised.
        careful: Whether it is handed out by itself, and the worker notes every single call, to
            find a guilty one.
        lonely: Whether nobody shall work beside it under the same supervisor, to find who it is
            that kills that.
        attempt: Number of the latest hand-out.
        position: Number of its first call among those handed to the worker.
        since: When it was handed out.
    """

    __slots__ = (
        "attempt",
        "careful",
        "deaths",
        "errors",
        "hi",
        "lo",
        "lonely",
        "losses",
        "position",
        "since",
        "ticket",
    )

    def __init__(self, ticket: Ticket, lo: int, hi: int) -> None:
        self.ticket = ticket
        self.lo = lo
        self.hi = hi
        self.deaths = self.losses = self.errors = 0
        self.careful = self.lonely = False
        self.attempt = 0
        self.position = 0
        self.since = 0.0

    def __repr__(self) -> str:
        return f"<Piece [{self.lo}, {self.hi}) of {self.ticket!r}>"

    def part(self, lo: int, hi: int) -> Piece:
        """Returns a new piece for some of the calls, with the same past."""
        piece = Piece(self.ticket, lo, hi)
        piece.deaths, piece.losses, piece.errors = self.deaths, self.losses, self.errors
        piece.careful, piece.lonely = self.careful, self.lonely
        piece.attempt, piece.since = self.attempt, self.since
        piece.position = self.position + lo - self.lo
        return piece

    def cut(self, start: int, end: int) -> list[Piece]:
        """Returns what lies before, between and behind two positions, as far as there is any."""
        cuts = [min(max(self.lo + p - self.position, self.lo), self.hi) for p in (start, end)]
        edges = [self.lo, *cuts, self.hi]
        return [self.part(lo, hi) for lo, hi in itertools.pairwise(edges) if lo < hi]

    def split(self) -> list[Piece]:
        """Returns pieces of equal length, about as many as each has calls.

        So a guilty call is found in a few deaths, and few copies of the arguments travel.
        """
        step = math.isqrt(self.hi - self.lo)
        starts = range(self.lo, self.hi, step)
        return [self.part(lo, min(lo + step, self.hi)) for lo in starts]


class WorkerRecord:
    """What the ledger knows of one worker.

    Attributes:
        address: Its routing id.
        team: Those who end together: the routing id of their supervisor.
        kind: Which jobs it may run.
        outstanding: Its pieces, in the order in which it runs them.
        position: The position that the next call handed to it will have.
        load: Seconds of work that it has, by estimate.
        block: Number of the latest message with work for it.
        ends: The position behind each such message that it has not finished.
        ran: Calls that it has answered.
        heard: When it last spoke, or was given work.
        deadline: When its queue job will be ended.
        alone: Whether the others of its team are kept from work by what it runs.
        recalling: Whether its unbegun work is being taken back.
        leaving: Whether it has been told to end.
    """

    __slots__ = (
        "address",
        "alone",
        "block",
        "deadline",
        "ends",
        "heard",
        "kind",
        "leaving",
        "load",
        "outstanding",
        "position",
        "ran",
        "recalling",
        "team",
    )

    def __init__(self, address: bytes, kind: int, now: float, deadline: float, team: bytes) -> None:
        self.address = address
        self.team = team
        self.kind = kind
        self.outstanding: collections.deque[Piece] = collections.deque()
        self.position = 0
        self.load = 0.0
        self.block = 0
        self.ends: collections.deque[int] = collections.deque()
        self.ran = 0
        self.heard = now
        self.deadline = deadline
        self.alone = False
        self.recalling = False
        self.leaving = False


class Assignment(NamedTuple):
    """Order: hand these pieces to that worker, in one message."""

    worker: WorkerRecord
    pieces: list[Piece]


class Verdict(NamedTuple):
    """Order: the call ``index`` of a ticket has died for good, in this attempt."""

    ticket: Ticket
    index: int  # type: ignore[assignment]  # hides tuple's, which nobody needs
    attempt: int
    since: float
