"""The lines of a file as they come, for a map that waits for results meanwhile.

A thread reads them: who feeds a pipe slowly gets the results of what is done all the same.
"""

from __future__ import annotations

import bisect
import collections
import os
import queue
import select
import threading
from array import array
from collections.abc import Iterator

from ...client.stream_control import Arrived, Arriving, StreamControl

_BYTES = 256 * 1024  # that are read at once, if they are there

_AHEAD = 4  # pieces of so many bytes that are read before they are asked for

_BOM = b"\xef\xbb\xbf"


class InputLines(Arriving):
    """The lines of a file, without what ends them.

    They end with a newline, or a carriage return and a newline; the last one may lack it. A byte
    order mark at the beginning is none of the first.

    Args:
        descriptor: The file's, or that of a pipe, a terminal or a socket.
        control: Of the map's stream.
        blank: Whether lines with nothing but white space are given too.

    Attributes:
        given: How many have been given.
        over: Whether all have been.
    """

    def __init__(self, descriptor: int, control: StreamControl, *, blank: bool) -> None:
        self._descriptor = descriptor
        self._control = control
        self._blank = blank
        self._pieces: queue.Queue[list[bytes] | OSError | None] = queue.Queue(_AHEAD)
        self._lines: collections.deque[bytes] = collections.deque()
        self._wanted = self.over = False
        self._first = True
        # How many lines have been given, and how many had been before each that was left out.
        self.given = 0
        self._left_out = array("Q")
        # With nothing of Python's around the file: a thread that waits in `os.read` holds no lock
        # that the end of the program needs.
        threading.Thread(target=self._read, name="gridengine-lines", daemon=True).start()

    def number(self, index: int) -> int:
        """Returns the number in the file, from 1, of the line that was given after ``index``."""
        return index + 1 + bisect.bisect_right(self._left_out, index)

    # ------------------------------------------------------------------ in the reader's thread

    def _read(self) -> None:
        last: OSError | None = None
        # Pieces of a line that is longer than what is read at once.
        begun: list[bytes] = []
        try:
            while data := self._bytes():
                *lines, rest = data.split(b"\n")
                if lines:
                    lines[0] = b"".join((*begun, lines[0]))
                    begun.clear()
                    self._put(lines)
                if rest:
                    begun.append(rest)
            if begun:
                self._put([b"".join(begun)])
        except OSError as error:
            last = error
        finally:
            self._put(last)

    def _bytes(self) -> bytes:
        while True:
            try:
                return os.read(self._descriptor, _BYTES)
            except BlockingIOError:
                # Another program has made the terminal, or the pipe, so.
                select.select([self._descriptor], [], [])

    def _put(self, piece: list[bytes] | OSError | None) -> None:
        if self._first and isinstance(piece, list):
            self._first = False
            piece[0] = piece[0].removeprefix(_BOM)
        self._pieces.put(piece)
        # After it is there: see `pending`.
        if self._wanted:
            self._wanted = False
            self._control.look_again()

    # ------------------------------------------------------------------ in the map's thread

    def pending(self) -> bool:
        """Tells whether nothing is there now, but something may come; asks for it, then."""
        if self._lines or self.over or not self._pieces.empty():
            return False
        self._wanted = True
        return self._pieces.empty()

    def arrived(self) -> _ArrivedLines:
        """Returns an iterator that ends where nothing is there, and goes on when something is."""
        return _ArrivedLines(self)

    def __iter__(self) -> Iterator[bytes]:
        arrived = self.arrived()
        while True:
            yield from arrived
            if not arrived.waits:
                return
            self._control.answered.get()
            if self._control.stopped:
                return

    def next_there(self) -> bytes | None:
        """Returns the next line that is there, None if there is none, now or ever.

        Raises:
            OSError: The file cannot be read.
        """
        while True:
            while self._lines:
                line = self._lines.popleft().removesuffix(b"\r")
                if self._blank or line.strip():
                    self.given += 1
                    return line
                self._left_out.append(self.given)
            if self.over or self._pieces.empty():
                return None
            piece = self._pieces.get()
            if isinstance(piece, list):
                self._lines.extend(piece)
                continue
            self.over = True
            if piece is not None:
                raise piece


class _ArrivedLines(Arrived):
    """Goes on after its end, unless that was the last."""

    def __init__(self, lines: InputLines) -> None:
        self._all = lines

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while True:
            line = self._all.next_there()
            if line is not None:
                return line
            self.waits = self._all.pending()
            if self.waits or self._all.over:
                raise StopIteration
