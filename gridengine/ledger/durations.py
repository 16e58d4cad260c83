"""How long calls take, by what they have taken so far. Pure."""

from __future__ import annotations

import math

from ..settings import PACES
from .records import Piece


class _Pace:
    """The seconds that a call of a function takes, as a rule and at most."""

    __slots__ = ("longest", "usual")

    def __init__(self, seconds: float) -> None:
        self.usual = self.longest = seconds


class Paces:
    """What is known of the functions that were called last."""

    def __init__(self) -> None:
        self._paces: dict[bytes, _Pace] = {}

    def usual(self, function: bytes) -> float | None:
        """Returns the seconds that one call of a function takes, None if not yet known."""
        pace = self._paces.get(function)
        return None if pace is None else pace.usual

    def learn(self, function: bytes, seconds: float) -> None:
        """Takes in what a call of a function has taken."""
        pace = self._paces.get(function)
        if pace is None:
            self._paces[function] = _Pace(seconds)
            if len(self._paces) > PACES:
                del self._paces[next(iter(self._paces))]
            return
        # Follows a change within a few answers, and is not thrown off by one outlier.
        pace.usual += 0.2 * (seconds - pace.usual)
        if seconds > pace.longest:
            pace.longest = seconds

    def estimate(self, piece: Piece) -> float:
        """Returns the seconds that a piece will take, infinity if nothing shall wait behind it."""
        pace = self._paces.get(piece.ticket.function.key)
        if pace is None or piece.careful or piece.lonely:
            return math.inf
        return pace.usual * (piece.hi - piece.lo)

    def longest(self, piece: Piece) -> float:
        """Returns the seconds that a piece takes at most, 0 if nothing is known."""
        pace = self._paces.get(piece.ticket.function.key)
        return 0.0 if pace is None else pace.longest * (piece.hi - piece.lo)
