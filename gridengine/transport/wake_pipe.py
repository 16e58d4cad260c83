"""A pipe by which a thread, a signal or a child wakes a loop that waits for descriptors."""

from __future__ import annotations

import os


class WakePipe:
    """Neither end ever blocks.

    Attributes:
        read_end: The descriptor to wait for.
        write_end: The one that wakes whoever does, as `signal.set_wakeup_fd` takes it.
    """

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        os.set_blocking(self.write_end, False)

    def wake(self) -> None:
        """Makes `read_end` ready."""
        # If it is full it is ready; if it is closed nobody waits. Not `contextlib.suppress`, which
        # takes as long as the rest.
        try:  # noqa: SIM105
            os.write(self.write_end, b"\0")
        except OSError:
            pass

    def empty(self) -> None:
        """Has `read_end` be ready at the next `wake` only."""
        try:
            while len(os.read(self.read_end, 4096)) == 4096:
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Closes both ends."""
        os.close(self.read_end)
        os.close(self.write_end)
