"""How long calls take, by what they have taken so far. Pure."""

from __future__ import annotations

import math

from ..settings import REMEMBERED_DURATIONS
from .records import Chunk


class _Duration:
    """The seconds that a call of a function takes, as a rule and at most."""

    __slots__ = ("longest", "usual")

    def __init__(self, seconds: float) -> None:
        self.usual = self.longest = seconds


class Durations:
    """What is known of the functions that were called last."""

    def __init__(self) -> None:
        self._paces: dict[bytes, _Duration] = {}

    def usual(self, function: bytes) -> float | None:
        """Returns the seconds that one call of a function takes, None if not yet known."""
        pace = self._paces.get(function)
        return None if pace is None else pace.usual

    def learn(self, function: bytes, seconds: float) -> None:
        """Takes in what a call of a function has taken."""
        pace = self._paces.get(function)
        if pace is None:
            self._paces[function] = _Duration(seconds)
            if len(self._paces) > REMEMBERED_DURATIONS:
                del self._paces[next(iter(self._paces))]
            return
        # Follows a change within a few answers, and is not thrown off by one outlier.
        pace.usual += 0.2 * (seconds - pace.usual)
        if seconds > pace.longest:
            pace.longest = seconds

    def estimate(self, chunk: Chunk) -> float:
        """Returns the seconds that a chunk will take, infinity if nothing shall wait behind it."""
        pace = self._paces.get(chunk.task.function.key)
        if pace is None or chunk.one_at_a_time or chunk.isolated:
            return math.inf
        return pace.usual * (chunk.hi - chunk.lo)

    def longest(self, chunk: Chunk) -> float:
        """Returns the seconds that a chunk takes at most, 0 if nothing is known."""
        pace = self._paces.get(chunk.task.function.key)
        return 0.0 if pace is None else pace.longest * (chunk.hi - chunk.lo)
