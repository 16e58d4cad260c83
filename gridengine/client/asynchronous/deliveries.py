"""What other threads have for an event loop, called there a few at a time.

A job that ends is known to the dispatcher's thread first. Ten thousand that end at once, each with
a `loop.call_soon_threadsafe` of its own, would have the loop write to itself ten thousand times,
and then do nothing else until all who waited have gone on: here one wakes it for all, and every
turn of the loop takes a few.
"""

from __future__ import annotations

import asyncio
import collections
import weakref
from collections.abc import Callable

#: Calls in one turn of the loop. Each may wake a task of the user's, which takes its own time.
_AT_ONCE = 8


class Deliveries:
    """Has callbacks called in an event loop, from any thread, in order.

    Args:
        loop: Where they are called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Those who wait hold this, and are held by it: they must not keep a loop that is let go.
        self._loop = weakref.ref(loop)
        self._waiting: collections.deque[Callable[[], object]] = collections.deque()
        self._asleep = True

    def add(self, callback: Callable[[], object]) -> None:
        """Has ``callback`` called in the loop; not at all if that is closed. Never blocks."""
        self._waiting.append(callback)
        if self._asleep:
            self._asleep = False
            self._wake()

    @property
    def closed(self) -> bool:
        """True once nothing is called any more."""
        loop = self._loop()
        return loop is None or loop.is_closed()

    def _wake(self) -> None:
        loop = self._loop()
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._deliver)
                return
        except RuntimeError:
            # It is closed, and nobody waits any more.
            pass
        self._waiting.clear()
        self._asleep = True

    def _deliver(self) -> None:
        try:
            for _ in range(min(len(self._waiting), _AT_ONCE)):
                self._waiting.popleft()()
        finally:
            # Ctrl-C in one of them is no reason to forget the others.
            self._go_on()

    def _go_on(self) -> None:
        if not self._waiting:
            # Said before the last look: whoever adds something after that sees it.
            self._asleep = True
            if not self._waiting:
                return
            self._asleep = False
        self._wake()


_of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Deliveries] = (
    weakref.WeakKeyDictionary()
)


def deliveries() -> Deliveries:
    """Returns those of the running loop.

    Raises:
        RuntimeError: None runs in this thread.
    """
    loop = asyncio.get_running_loop()
    known = _of_loops.get(loop)
    if known is None:
        known = _of_loops[loop] = Deliveries(loop)
    return known
