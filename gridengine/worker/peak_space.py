"""How much address space a queue job needs, which is what ``h_vmem`` limits."""

from __future__ import annotations

from . import os_support

#: Seconds for which a figure is good: to read it takes as long as some short calls.
_GOOD_FOR = 0.1

#: The supervisor, and the subreaper above it, each about as large as a worker that has run nothing.
_OTHERS = 2


class PeakSpace:
    """That of a worker, and of the processes above it; made before it has run anything."""

    def __init__(self) -> None:
        self._others = _OTHERS * os_support.address_space()
        self._read = -_GOOD_FOR
        self._peak = 0

    def now(self, now: float) -> int:
        """Returns the most bytes so far, 0 if that cannot be told.

        Args:
            now: On a clock in seconds.
        """
        if now - self._read >= _GOOD_FOR:
            self._read = now
            self._peak = os_support.peak_address_space()
        return self._peak and self._peak + self._others
