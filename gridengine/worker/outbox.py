"""What a worker has to say: its results are collected, and sent many at a time."""

from __future__ import annotations

import collections
import os
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..serialization.packed import ShortOfMemory
from ..transport import messages
from ..transport.messages import Call, Done, Result
from ..transport.output_messages import Printed
from ..transport.shared_memory import Arena, Loan, replace_loans, snapshot
from . import os_support
from .calls import RSS_UNIT
from .connection import Connection
from .peak_space import PeakSpace
from .progress_page import ProgressPage
from .records import Records

#: Bytes of a result up to which it is copied, so that the next call may begin at once and change
#: what it has returned. What is larger is waited for instead, until the program has it: it takes
#: less memory, and that long against the 0.1 ms that the program needs to answer.
_COPIED = 64 * 1024 * 1024

#: Address space that is left to ZeroMQ's threads, which encrypt, when something large is sent: they
#: end the process if they get none. For a piece they take it three times.
_ROOM = 16 * 1024 * 1024


#: Bytes of records after which it is waited until the program has heard all.
_UNHEARD = 1024 * 1024


class Outbox:
    """Sends what a worker has to say.

    Args:
        connection: To the dispatcher.
        page: Shared with the supervisor.
        arena: Memory that the program sees too.
        wake: Has the supervisor look at the page.

    Attributes:
        flushed: When the last results were sent, on the clock of `time.perf_counter`.
        released: Places in the program's memory that the worker uses no more.
        records: What jobs have logged, and is not sent yet.
        receiving: Whether a signal that comes now comes in the middle of what is received.
    """

    def __init__(
        self,
        connection: Connection,
        page: ProgressPage,
        arena: Arena | None,
        wake: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._page = page
        self._arena = arena
        self._results: list[Result] = []
        self._frames: list[Any] = []
        self._printed: list[Printed] = []
        self._lent: dict[int, Loan] = {}
        self._sent = 0
        # Whether a signal that comes now comes in the middle of something.
        self._underway = False
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        self._limit = 0 if limit == resource.RLIM_INFINITY else limit
        self._pid = os.getpid()
        self.flushed = time.perf_counter()
        self.released: collections.deque[int] = collections.deque()
        # On one host the kernel has it at once.
        departure: float = getattr(connection, "departure", 0.0)
        self._space = PeakSpace() if departure else None
        self.records = Records(page, wake, self._send_records, departure)
        self.receiving = False
        # Bytes of records that the program need not have heard.
        self._unheard = 0

    def say(
        self, message: object, frames: Sequence[Any] = (), *, sign_of_life: bool = False
    ) -> None:
        """Sends a message, now."""
        encoded = messages.encode(message)
        # Noted first: of a message that is cut off the host shall know that it was the last.
        self._sent += 1
        self._page.set_sent(self._sent)
        self._underway = True
        self._connection.send([encoded, *frames], sign_of_life=sign_of_life)
        self._underway = False

    def share_nothing(self) -> None:
        """Notes that the program cannot see this worker's memory."""
        self._arena = None

    def take_back(self, offset: int) -> None:
        """Notes that the program uses this place in the worker's memory no more."""
        self._lent.pop(offset, None)

    def add(
        self,
        call: Call,
        lo: int,
        hi: int,
        payload: bytes,
        buffers: Sequence[Any],
        failures: dict[int, bytes],
        wall: float,
        cpu: float,
        final: bool = False,
        short: bool = False,
    ) -> None:
        """Takes in the outcome of the calls ``lo`` to ``hi``, to be sent with the next ones.

        Raises:
            ShortOfMemory: There is no memory for it.
        """
        large = bool(buffers) and self._arena is None and _size(buffers) > _COPIED
        frames = self._own(buffers) if buffers and not large else buffers
        self._underway = True
        self._frames.extend(frames)
        self._results.append(
            Result(
                call.task, call.attempt, lo, hi, payload, len(frames), failures, wall, cpu, 0,
                final, short,
            )
        )  # fmt: skip
        self._underway = False
        if large:
            self.flush()
            self.drain()

    def add_printed(self, printed: Printed) -> None:
        """Takes in what calls have printed, to be sent with their results, and soon."""
        self._printed.append(printed)
        # A call that comes next may take long.
        self.flushed = 0.0

    def _own(self, buffers: Sequence[Any]) -> list[Any]:
        """Returns buffers that later calls cannot change: in shared memory, or copies."""
        try:
            return snapshot(buffers) if self._arena is None else self._arena.lend_large(buffers)
        except MemoryError:
            raise ShortOfMemory(_size(buffers)) from None

    def flush(self) -> None:
        """Sends what is there.

        Raises:
            ShortOfMemory: There is no memory to do it; what was there is dropped.
        """
        self.flushed = time.perf_counter()
        if self.records:
            # Whoever sees a result has seen what was logged before.
            self._send_records()
        if not self._results and not self.released:
            return
        self._underway = True
        printed, self._printed = self._printed, []
        results, self._results = self._results, []
        # Once for all of them: to ask takes as long as to run a small job.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
        for result in results:
            result.peak_memory = peak
        given, self._frames = self._frames, []
        if given and self._limit and self._limit - os_support.address_space() < _ROOM:
            self._underway = False
            raise ShortOfMemory(_ROOM)
        frames, shared = replace_loans(given)
        self._lent.update((frame.offset, frame) for frame in given if type(frame) is Loan)
        space = 0 if self._space is None else self._space.now(self.flushed)
        released = [self.released.popleft() for _ in range(len(self.released))]
        self.say(Done(results, shared, released, printed, space), frames)

    def flush_within_a_call(self) -> None:
        """Sends what is there, as the handler of a signal that comes while a call lasts."""
        if self.can_send:
            self.flush()
        elif self._is_free:
            self._send_records()

    @property
    def can_send(self) -> bool:
        """Whether a signal's handler may add and send something."""
        # Where memory is short that is not to be the call's affair.
        return self._is_free and not (self._limit and self._frames)

    @property
    def _is_free(self) -> bool:
        return not self._underway and not self.receiving and os.getpid() == self._pid

    def _send_records(self) -> None:
        """Sends what jobs have logged, unless this comes in the middle of something."""
        # A thread may log as fast as they are sent: what comes meanwhile is for the next time.
        for _ in range(self.records.batches):
            if self._underway or self.receiving:
                return
            # A signal's handler that took some of them meanwhile would send them too early.
            self._underway = True
            try:
                taken = self.records.take()
            except BaseException:
                self._underway = False
                raise
            if taken is None:
                self._underway = False
                return
            message, size = taken
            self.say(message)
            # A job that logs without an end waits for the program: what is sent takes memory.
            self._unheard += size
            if self._unheard > _UNHEARD:
                self._unheard = 0
                self.drain()

    def drain(self) -> None:
        """Waits until the program has heard all that was sent."""
        before, self.receiving = self.receiving, True
        try:
            self._connection.drain()
        finally:
            self.receiving = before

    def say_last_words(self) -> None:
        """Sends what is there and waits until it was heard, before this process ends by a signal.

        Not behind a message in the middle of which the signal came.
        """
        if not self._underway:
            self.flush()
            self.drain()


def _size(buffers: Sequence[Any]) -> int:
    size: int = sum(buffer.nbytes for buffer in buffers)
    return size
