"""The page of memory that a worker shares with its supervisor.

The worker notes in it what it runs; the supervisor reads that when the worker is dead, or deaf
because C code holds the interpreter's lock, and can take back what has not begun, without the
worker's help.

::

    worker: claim(p)                         supervisor: recall(end)
      BEGUN = p, w                             GENERATION += 1
      fence                                    HIGH, LOW = end, first position not begun
      GENERATION as last seen?  go on          fence
      else wait until SETTLED == GENERATION    begun more meanwhile?  raise LOW, look again
      LOW <= p < HIGH?  not to be run          SETTLED = GENERATION

Either the worker sees the new generation, and waits until the supervisor has decided, or the
supervisor sees the claim: so each call is either begun here or given back, never both.

A worker that is deep in a long call may be recalled again before it has passed what was taken
back the first time. A claim within that is then no sign that anything there was begun.

A signal that shall end a call must not strike the one after it. So the supervisor holds the worker:
with a new generation that is not settled until the signal is sent, nothing more begins. A claim may
be noted by then; the worker notes as well when it goes on (PASSED), and if it never does, it has
died in what it ran when it was held.
"""

from __future__ import annotations

import contextlib
import mmap
import threading
import time
from collections.abc import Iterator

_BEGUN, _GENERATION, _SETTLED, _LOW, _HIGH, _DEADLINE, _SENT, _LEAVING, _SHORTAGE = range(9)
_RECORDS_DUE, _INNER_JOBS, _PASSED = 9, 10, 11

#: How a worker leaves that was told to; 0 as long as it does not.
_FOR_GOOD, _REPLACED = 1, 2

#: Position and width share a word, so that nobody ever reads the one without the other. The
#: position counts from 1 there: a fresh page, all zero, says "nothing".
_WIDTH_BITS = 20
MAX_WIDTH = (1 << _WIDTH_BITS) - 1
"""Calls that one claim may cover at most."""

#: Acquired and released twice it is a full memory barrier, on every machine that CPython runs
#: on: what stands before cannot sink below the first release, what follows cannot rise above
#: the second acquisition, and these two stay in order.
_barrier = threading.Lock()


def _fence() -> None:
    with _barrier:
        pass
    with _barrier:
        pass


class ProgressPage:
    """A few 64-bit words of anonymous memory that stay shared across a fork."""

    __slots__ = ("_held", "_memory", "_seen", "_words")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._words = memoryview(self._memory).cast("Q")
        self._seen = 0
        # The generation with which the worker was held last, and what it ran.
        self._held = 0, (0, 0)

    def close(self) -> None:
        """Gives the memory back."""
        self._words.release()
        self._memory.close()

    # ------------------------------------------------------------------ the worker's side

    def claim(self, position: int, width: int) -> int:
        """Notes that ``width`` calls from ``position`` on are about to be run.

        Returns:
            The position behind the calls that may be run: ``position + width``, or less if
            the rest was taken back; ``position`` itself if all of it was.
        """
        words = self._words
        words[_BEGUN] = (position + 1) << _WIDTH_BITS | width
        _fence()
        if words[_GENERATION] == self._seen:
            return position + width
        return self._after_recall(position, width)

    def _after_recall(self, position: int, width: int) -> int:
        words = self._words
        generation, low, high = self._settled()
        # No signal waits any more that was sent before it was settled: a system call has ended.
        time.sleep(0)
        words[_PASSED] = generation
        if position >= high:
            # All that was taken back lies behind: later claims need not look again.
            self._seen = generation
            return position + width
        end = max(position, min(position + width, low))
        words[_BEGUN] = (position + 1) << _WIDTH_BITS | (end - position)
        return end

    def _settled(self) -> tuple[int, int, int]:
        """Returns the latest generation, and what was taken back: all of one recall."""
        words = self._words
        while True:
            generation = words[_GENERATION]
            if words[_SETTLED] == generation:
                _fence()
                low, high = words[_LOW], words[_HIGH]
                _fence()
                if words[_GENERATION] == generation:
                    return generation, low, high
            time.sleep(0.0001)

    def narrow(self, width: int) -> None:
        """Notes that of what was claimed last no more than ``width`` calls are about to be run."""
        word = self._words[_BEGUN]
        if width < word & MAX_WIDTH:
            self._words[_BEGUN] = word >> _WIDTH_BITS << _WIDTH_BITS | width

    def set_deadline(self, seconds: float) -> None:
        """Notes when the current job is over its time, on the monotonic clock; 0 for never."""
        self._words[_DEADLINE] = int(seconds * 1e9)

    def set_sent(self, messages: int) -> None:
        """Notes how many messages the worker has begun to send."""
        self._words[_SENT] = messages

    def set_records_due(self, seconds: float) -> None:
        """Notes when what jobs have logged is to be sent, on the monotonic clock; 0 for never."""
        self._words[_RECORDS_DUE] = int(seconds * 1e9)

    def set_inner_jobs(self, seconds: float) -> None:
        """Notes when a job last had jobs of its own under way, on the monotonic clock."""
        self._words[_INNER_JOBS] = int(seconds * 1e9)

    def set_leaving(self, *, replaced: bool) -> None:
        """Notes that the worker ends because it was told to, and whether another one comes."""
        self._words[_LEAVING] = _REPLACED if replaced else _FOR_GOOD

    def set_shortage(self, nbytes: int) -> None:
        """Notes that the worker ends, since it would have needed so much memory."""
        self._words[_SHORTAGE] = nbytes

    # ------------------------------------------------------------------ the supervisor's side

    @property
    def left_for_good(self) -> bool:
        """Whether the worker was told to end, and nobody takes its place."""
        return self._words[_LEAVING] == _FOR_GOOD

    @property
    def replaced(self) -> bool:
        """Whether the worker was told to leave its place to another one."""
        return self._words[_LEAVING] == _REPLACED

    @property
    def begun(self) -> tuple[int, int]:
        """The position and width of what the worker runs, or ran last; the width is 0 if none."""
        generation, held = self._held
        noted = self._noted
        waits = noted[0] != held[0] and self._words[_PASSED] < generation
        return held if waits else noted

    @property
    def _noted(self) -> tuple[int, int]:
        word = self._words[_BEGUN]
        return ((word >> _WIDTH_BITS) - 1, word & MAX_WIDTH) if word else (0, 0)

    @property
    def deadline(self) -> float:
        """When the current job is over its time, on the monotonic clock; 0 for never."""
        return self._words[_DEADLINE] / 1e9

    @property
    def records_due(self) -> float:
        """When what jobs have logged is to be sent, on the monotonic clock; 0 for never."""
        return self._words[_RECORDS_DUE] / 1e9

    @property
    def inner_jobs(self) -> float:
        """When a job last had jobs of its own under way, on the monotonic clock; 0 for never."""
        return self._words[_INNER_JOBS] / 1e9

    @property
    def sent(self) -> int:
        """How many messages the worker has begun to send."""
        return self._words[_SENT]

    @property
    def shortage(self) -> int:
        """The bytes of memory that the worker would have needed, 0 if it has not ended so."""
        return self._words[_SHORTAGE]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Has the worker begin nothing more meanwhile."""
        words = self._words
        words[_GENERATION] += 1
        _fence()
        self._held = words[_GENERATION], self._noted
        try:
            yield
        finally:
            words[_SETTLED] = words[_GENERATION]

    def recall(self, end: int, *, start: int = 0, keep: int = 0) -> int:
        """Takes back the calls up to ``end`` that have not begun.

        Args:
            end: The position behind them.
            start: The position of the first call that the worker has not answered for.
            keep: Unless it has begun something from ``start`` on, what stands before this
                position stays with it: that is on its way to it.

        Returns:
            The position of the first of them; nothing from there to ``end`` will be begun.
        """
        words = self._words
        taken_from, taken_to = words[_LOW], words[_HIGH]
        words[_GENERATION] += 1
        words[_HIGH] = end
        while True:
            begun, width = self._noted
            low = min(begun + width, end)
            if low <= start:
                low = max(low, min(keep, end))
            if begun < taken_to:
                low = min(low, taken_from)
            words[_LOW] = low
            _fence()
            if self._noted == (begun, width):
                break
        words[_SETTLED] = words[_GENERATION]
        return low
