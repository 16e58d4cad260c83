"""What signals say to a worker: by SIGTERM it ends, when the job that runs has cleared up."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

RESULTS_WANTED = signal.SIGURG
"""Has a worker send what it has done. Where it is not expected it does nothing (signal(7))."""


class Terminated(SystemExit):
    """Raised in a job that shall end, so that its ``finally`` runs, and its ``with`` is left."""


class Termination:
    """Has SIGTERM raise `Terminated` in the main thread of this process, which runs the jobs.

    Attributes:
        asked: Whether this process shall end, as soon as the job lets it.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, signum: int, _: object) -> None:
        if os.getpid() != self._pid:
            # What a job has forked ends as any process does.
            end_by(signum)
        if self.asked:
            # Again, while it clears up.
            return
        self.asked = True
        raise Terminated(128 + signum)


def end_by(signum: int) -> NoReturn:
    """Ends this process by a signal, as if it had never been handled."""
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    # Not reached where the signal is not blocked.
    os._exit(128 + signum)
