"""A pipe by which a thread, a signal or a child wakes a loop that waits for descriptors."""

from __future__ import annotations

import _thread
import contextlib
import os


class WakePipe:
    """Neither end ever blocks, and any thread may use it, also when it has been closed.

    Attributes:
        read_end: The descriptor to wait for.
        write_end: The one that wakes whoever does, as `signal.set_wakeup_fd` takes it.
    """

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        os.set_blocking(self.write_end, False)
        # The number of a closed descriptor may be another file's by now.
        self._lock = _thread.allocate_lock()
        self._open = True
        # Which sleep it is, 0 for none; the last one from which somebody was woken; how many.
        self._sleep = self._roused = self._sleeps = 0

    def wake(self) -> None:
        """Makes `read_end` ready."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._open:
                os.write(self.write_end, b"\0")

    def rouse(self) -> None:
        """As `wake`, but only from a sleep, and only once from each."""
        sleep = self._sleep
        if sleep and sleep != self._roused:
            self.wake()
            # Not before: Ctrl-C may come between the two, and then nobody has been woken.
            self._roused = sleep

    def fall_asleep(self) -> None:
        """Has `rouse` wake; to be called before the last look at what there is to do."""
        self._sleeps += 1
        self._sleep = self._sleeps

    def rise(self) -> None:
        """Has `rouse` do nothing: whoever waited looks at what there is to do."""
        self._sleep = 0

    def empty(self) -> None:
        """Has `read_end` be ready at the next `wake` only."""
        with self._lock, contextlib.suppress(BlockingIOError):
            while self._open and len(os.read(self.read_end, 4096)) == 4096:
                pass

    def close(self) -> None:
        """Closes both ends. Idempotent."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self.read_end)
                os.close(self.write_end)
