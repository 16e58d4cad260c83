"""A writer of segments that goes on trying where there is no room, and fails what takes most."""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Callable
from typing import Any

from ..errors import reason_of
from .private_files import NotPrivate
from .segments import Folder, SegmentWriter, is_gone

Lighten = Callable[[list[Any], str], "list[Any] | None"]
"""Returns a message that says of its calls that they have failed, with a reason, in the place of
one that takes too much room; None if it is none of that sort."""

MAKE_ROOM = 3.0
"""Seconds in which somebody may make room before what does not fit is given up."""

GIVE_UP = 30.0
"""Seconds without any room after which nothing more is to be expected."""

_AGAIN = 0.5
_PAUSE = 0.1  # seconds between two tries to write the last
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
        """Writes some of what waits, if there is room; returns whether anything was written.

        Args:
            place: The folder, just opened.
            now: On the monotonic clock.

        Raises:
            NotPrivate: Something else has taken the place of a file.
        """
        if not self.writer.waiting or now < self._again:
            return False
        try:
            # What does not fit shall not keep back what is before it.
            self.writer.write(place, alone=not self._room)
        except NotPrivate:
            raise
        except OSError as error:
            self._failed(error, now)
            return False
        self.trouble, self.since = "", math.inf
        self._room = self._room or not self.writer.waiting
        return True

    def finish(self, folder: Folder) -> None:
        """Writes all that waits, unless that fails for `GIVE_UP` seconds or the folder is gone."""
        end = time.monotonic() + GIVE_UP
        while self.writer.waiting and (now := time.monotonic()) < end:
            written = False
            try:
                place = folder.open()
                try:
                    written = self.flush(place, now)
                finally:
                    os.close(place)
            except OSError as error:
                if is_gone(error):
                    return
            if written:
                end = time.monotonic() + GIVE_UP
            else:
                time.sleep(_PAUSE)

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


def has_room(place: int) -> bool:
    """Tells whether something can be written in a folder."""
    name = "room"
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place)
        try:
            os.write(descriptor, bytes(4096))
        finally:
            os.unlink(name, dir_fd=place)
            os.close(descriptor)
    except OSError:
        return False
    return True
