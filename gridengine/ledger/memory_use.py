"""How much memory calls of a function use, by what they have used so far. Pure."""

from __future__ import annotations

import collections
import math

#: Answers that must have come before anything is said of those to come.
_ENOUGH = 5

#: Answers that count, the latest.
_REMEMBERED = 200

#: New answers after which it is looked again, where none was above what is known.
_PACE = 20

_QUANTILE = 0.99

#: What is asked for beyond that: a fifth, and what a heap grows by.
_FACTOR, _MARGIN = 1.2, 64 * 1024**2

#: Requests are among four in each doubling, so that there are few kinds of workers.
_STEPS = 4

#: A request is lowered if it was larger by that: new workers are to be waited for.
_TOO_LARGE = 1.5


class MemoryUse:
    """The peaks of calls of one function, and what is to be asked for.

    Attributes:
        request: Bytes to be asked for, 0 if too little is known.
    """

    __slots__ = ("_peaks", "_unseen", "request")

    def __init__(self) -> None:
        self._peaks: collections.deque[int] = collections.deque(maxlen=_REMEMBERED)
        self._unseen = 0
        self.request = 0

    def learn(self, peak: int) -> bool:
        """Takes in what one answer says; returns whether another request is to be made now."""
        self._peaks.append(peak)
        self._unseen += 1
        if len(self._peaks) < _ENOUGH:
            return False
        if self._unseen < _PACE and self.request and with_margin(peak) <= self.request:
            return False
        self._unseen = 0
        request = with_margin(self._usual_peak())
        if self.request and request <= self.request < request * _TOO_LARGE:
            return False
        self.request = request
        return True

    def _usual_peak(self) -> int:
        ordered = sorted(self._peaks)
        return ordered[math.ceil(_QUANTILE * len(ordered)) - 1]


def with_margin(peak: int) -> int:
    """Returns what is asked for where so many bytes were used: more, and a round number."""
    return rounded_up(int(peak * _FACTOR) + _MARGIN)


def rounded_up(nbytes: int) -> int:
    """Returns the next of the sizes that are asked for."""
    step = max(1, (1 << (nbytes.bit_length() - 1)) // _STEPS)
    return math.ceil(nbytes / step) * step
