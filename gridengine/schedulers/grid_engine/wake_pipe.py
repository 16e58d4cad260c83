"""What wakes a thread that waits for descriptors."""

from __future__ import annotations

import contextlib
import os
import threading


class WakePipe:
    """A descriptor that one thread makes readable for another."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._lock = threading.Lock()
        self._open = True

    def fileno(self) -> int:
        """Returns the descriptor that becomes readable."""
        return self._read

    def send(self) -> None:
        """Makes it readable."""
        # Under the lock: the number of a closed descriptor may be another file's by now.
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._open:
                os.write(self._write, b"!")

    def take(self) -> None:
        """Makes it readable no more."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if self._open:
                os.read(self._read, 65536)

    def close(self) -> None:
        """Closes it. Idempotent."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._read)
                os.close(self._write)
