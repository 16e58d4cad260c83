"""How long calls take, by what they have taken so far."""

from __future__ import annotations

import math

from ..settings import REMEMBERED_DURATIONS
from .records import Chunk

#: Follows a change within a few answers, and is not thrown off by one outlier.
_WEIGHT = 0.2


class Duration:
    """The seconds that a call of a function takes, as a rule and at most."""

    __slots__ = ("longest", "usual")

    def __init__(self, seconds: float) -> None:
        self.usual = self.longest = seconds


class Durations:
    """What is known of the functions that were called last."""

    def __init__(self) -> None:
        self._durations: dict[bytes, Duration] = {}

    def of(self, function: bytes) -> Duration | None:
        """Returns what is known of a function, None if nothing is."""
        return self._durations.get(function)

    def usual(self, function: bytes) -> float | None:
        """Returns the seconds that one call of a function takes, None if not yet known."""
        duration = self._durations.get(function)
        return None if duration is None else duration.usual

    def learn(
        self, function: bytes, seconds: float, answers: int = 1, longest: float = 0.0
    ) -> None:
        """Takes in what calls of a function have taken, on the average of some answers."""
        duration = self._durations.get(function)
        if duration is None:
            duration = self._durations[function] = Duration(seconds)
            duration.longest = max(longest, seconds)
            if len(self._durations) > REMEMBERED_DURATIONS:
                del self._durations[next(iter(self._durations))]
            return
        weight = _WEIGHT if answers == 1 else 1 - (1 - _WEIGHT) ** answers
        duration.usual += weight * (seconds - duration.usual)
        duration.longest = max(duration.longest, longest, seconds)

    def estimate(self, chunk: Chunk) -> float:
        """Returns the seconds that a chunk will take, infinity if nothing shall wait behind it."""
        duration = self._durations.get(chunk.task.function.key)
        if duration is None or chunk.one_at_a_time or chunk.isolated:
            return math.inf
        return duration.usual * (chunk.hi - chunk.lo)

    def longest(self, chunk: Chunk) -> float:
        """Returns the seconds that a chunk takes at most, 0 if nothing is known."""
        duration = self._durations.get(chunk.task.function.key)
        return 0.0 if duration is None else duration.longest * (chunk.hi - chunk.lo)
