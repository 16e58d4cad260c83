"""A writer of segments that goes on trying where there is no room, and fails what takes most."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from typing import Any

from ..errors import reason_of
from .private_files import NotPrivate
from .segments import SegmentWriter

Lighten = Callable[[list[Any], str], "list[Any] | None"]
"""Returns a message that says of its calls that they have failed, with a reason, in the place of
one that takes too much room; None if it is none of that sort."""

MAKE_ROOM = 3.0
"""Seconds in which somebody may make room before what does not fit is given up."""

GIVE_UP = 30.0
"""Seconds without any room after which nothing more is to be expected."""

_AGAIN = 0.5
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Outlet:
    """One side's way to say something.

    Args:
        name: What the segments are called, but for their number.
        where: The folder, for errors.
        lighten: Makes less of what takes too much room.

    Attributes:
        writer: What it is written by.
        trouble: Why the last try has failed, empty if it has not.
        since: When it began to fail.
    """

    def __init__(self, name: str, where: str, lighten: Lighten) -> None:
        self.writer = SegmentWriter(name)
        self._where = where
        self._lighten = lighten
        self._again = 0.0
        self._room = True
        self.trouble = ""
        self.since = math.inf

    def say(self, *frames: Any) -> None:
        """Has frames written with the next `flush`."""
        self.writer.waiting.append([*frames])

    def flush(self, place: int, now: float) -> bool:
        """Writes what waits, as far as there is room; returns whether anything was written.

        Args:
            place: The folder, just opened.
            now: On the monotonic clock.

        Raises:
            NotPrivate: Something else has taken the place of a file.
        """
        if not self.writer.waiting or now < self._again:
            return False
        try:
            while self.writer.waiting:
                # What does not fit shall not keep back what is before it.
                self.writer.write(place, alone=not self._room)
        except NotPrivate:
            raise
        except OSError as error:
            self._failed(error, now)
            return False
        self.trouble, self.since, self._room = "", math.inf, True
        return True

    def _failed(self, error: OSError, now: float) -> None:
        self._again = now + _AGAIN
        self.since = min(self.since, now)
        self._room = error.errno not in _FULL
        self.trouble = (
            f"what is said cannot be written to {self._where}: {reason_of(error)}; make room "
            "there, or name another folder that all nodes see (GRIDENGINE_RUN_DIR)"
        )
        if not self._room and now > self.since + MAKE_ROOM:
            lighter = self._lighten(self.writer.waiting[0], self.trouble)
            if lighter is not None:
                self.writer.waiting[0] = lighter
                # At once: there is room for a few words, as a rule.
                self._again = now

    def has_given_up(self, now: float, patience: float) -> bool:
        """Tells whether it has been tried for long enough.

        Args:
            now: On the monotonic clock.
            patience: Seconds that something else than a want of room may last.
        """
        return now > self.since + (patience if self._room else GIVE_UP)
