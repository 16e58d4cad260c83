"""What jobs print while they run, read by their supervisor and passed on to the program.

At once where much is printed, and some twenty times a second otherwise. It is read no faster than
the program takes it in: a pipe that is full keeps the job waiting, as any pipe does.
"""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable

from ..transport.output_messages import OUTPUT_WINDOW, Piece, Printing
from .worker_process import WorkerProcess

#: Seconds between two looks: at first short, for most jobs that print are over soon, and send the
#: rest themselves; then longer, so that a line each µs costs no message each.
_SHORTEST, _LONGEST = 0.005, 0.05

#: Bytes after which more is to come, and the seconds until it is looked at.
_MUCH, _FLOW = 16384, 0.001

#: Bytes of each stream that are kept for a death certificate.
_TAIL = 4096

#: Looks at what the dead have left: their pipes hold less, but what they have started may print.
_LAST_LOOKS = 8


class _WatchedWorker:
    """A worker whose pipes are looked after.

    Attributes:
        child: It.
        due: When it is to be looked at, infinity as long as nothing comes.
        pause: Seconds until the next look, if something comes.
        tails: The end of each stream, as far as it was read here.
        ends: The number of the byte behind each.
    """

    def __init__(self, child: WorkerProcess) -> None:
        self.child = child
        self.due = math.inf
        self.pause = _SHORTEST
        self.tails = [b"", b""]
        self.ends = [0, 0]

    def remember(self, piece: Piece) -> None:
        """Keeps the end of what was read."""
        stream = int(piece.error)
        before = self.tails[stream] if piece.start == self.ends[stream] and piece.start else b""
        self.tails[stream] = (before + piece.data)[-_TAIL:]
        self.ends[stream] = piece.start + len(piece.data)

    def last_words(self) -> str:
        """Returns the end of what the chunk has printed that it was at, and the crash report."""
        lines: list[str] = []
        for count, end, tail in zip(
            self.child.output.counted(), self.ends, self.tails, strict=True
        ):
            # Otherwise that is of the chunk before, or the worker has sent the rest itself.
            if count and count == end:
                lines += tail.decode("utf-8", errors="replace").splitlines()
        return "\n".join([*lines, *self.child.output.crash_report()])


class OutputForwarding:
    """Passes on what workers print.

    Args:
        poll: What is waited for; the pipes are added to it.
        say: Sends the dispatcher a message.
    """

    def __init__(self, poll: select.poll, say: Callable[[Printing], None]) -> None:
        self._poll = poll
        self._say = say
        self._watched: dict[WorkerProcess, _WatchedWorker] = {}
        self._ends: dict[int, _WatchedWorker] = {}
        self._unheard = 0

    def watch(self, child: WorkerProcess) -> None:
        """Looks after a worker from now on."""
        watched = self._watched[child] = _WatchedWorker(child)
        for end in child.output.read_ends:
            self._ends[end] = watched
        self._wait_for(watched)

    def _wait_for(self, watched: _WatchedWorker) -> None:
        watched.due, watched.pause = math.inf, _SHORTEST
        for end in watched.child.output.read_ends:
            self._poll.register(end, select.POLLIN)

    def _wait_no_more_for(self, watched: _WatchedWorker) -> None:
        for end in watched.child.output.read_ends:
            self._poll.unregister(end)

    def due(self) -> float:
        """Returns when `look` is to be called, on the monotonic clock."""
        if self._unheard >= OUTPUT_WINDOW:
            return math.inf
        return min((watched.due for watched in self._watched.values()), default=math.inf)

    def look(self, ready: set[int]) -> None:
        """Passes on what is due.

        Args:
            ready: Descriptors from which something can be read.
        """
        now = time.monotonic()
        for end in ready & self._ends.keys():
            watched = self._ends[end]
            if watched.due == math.inf:
                self._wait_no_more_for(watched)
                watched.due = now + watched.pause
        for watched in self._watched.values():
            if watched.due <= now and self._unheard < OUTPUT_WINDOW:
                self._forward(watched, now)

    def _forward(self, watched: _WatchedWorker, now: float) -> None:
        try:
            size = self._take(watched)
        except BlockingIOError:
            watched.due = now + _SHORTEST
            return
        if not size:
            self._wait_for(watched)
            return
        watched.pause = _FLOW if size >= _MUCH else min(2 * watched.pause, _LONGEST)
        watched.due = now + watched.pause

    def _take(self, watched: _WatchedWorker) -> int:
        """Passes on what is there, and returns how many bytes that is."""
        child = watched.child
        pieces, (position, width) = child.output.take(lambda: child.page.begun)
        for piece in pieces:
            watched.remember(piece)
        size = sum(len(piece.data) for piece in pieces)
        if size:
            self._unheard += size
            self._say(Printing(child.number, position, width, pieces))
        return size

    def heard(self, nbytes: int) -> None:
        """Notes that so many bytes are no longer on their way."""
        self._unheard = max(0, self._unheard - nbytes)

    def ended(self, child: WorkerProcess) -> str:
        """Passes on what a worker that has ended has left, and returns the end of it."""
        watched = self._watched.pop(child)
        if watched.due == math.inf:
            self._wait_no_more_for(watched)
        for end in child.output.read_ends:
            del self._ends[end]
        for _ in range(_LAST_LOOKS):
            # The dead hold no lock.
            if not self._take(watched):
                break
        return watched.last_words()
