"""When to look into files again: soon after something was said, more rarely the longer it is."""

from __future__ import annotations

SOONEST = 0.05
"""Seconds between two looks while something is said: a file server answers each in some 0.001 s."""

LATEST = 1.0
"""Seconds between two looks at most, where they do not take long themselves."""

_PART = 0.2  # of the time for which nothing was said
_SHARE = 4.0  # times as long as a look has taken


class Looks:
    """Says when the next look is due.

    Args:
        now: On the monotonic clock.
        latest: As `LATEST`.

    Attributes:
        due: When.
    """

    def __init__(self, now: float, latest: float = LATEST) -> None:
        self.latest = latest
        self._said = self.due = now

    def said(self, now: float) -> None:
        """Notes that this side has said something, to which there may be an answer."""
        self._said = now
        self.due = min(self.due, now + SOONEST)

    def looked(self, begun: float, now: float, *, heard: bool) -> None:
        """Notes a look.

        Args:
            begun: When it began.
            now: When it was over.
            heard: Whether it has found something.
        """
        if heard:
            self._said = now
        pause = min(self.latest, max(SOONEST, _PART * (now - self._said)))
        self.due = now + max(pause, _SHARE * (now - begun))
