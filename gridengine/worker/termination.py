"""What signals say to a worker: by SIGTERM it ends, when the job that runs has cleared up."""

from __future__ import annotations

import os
import signal
import threading
from typing import NoReturn

RESULTS_WANTED = signal.SIGURG
"""Has a worker send what it has done. Where it is not expected it does nothing (signal(7))."""


class Terminated(SystemExit):
    """Raised in a job that shall end, so that its ``finally`` runs, and its ``with`` is left."""


class Termination:
    """Has SIGTERM raise `Terminated` in the main thread of this process, which runs the jobs.

    What a job forks ends by it as any process does.

    Attributes:
        asked: Whether this process shall end, as soon as the job lets it.
    """

    def __init__(self) -> None:
        self.asked = False
        self._blocked = threading.local()
        signal.signal(signal.SIGTERM, self._ask)
        # A child that gets the signal while this handler is still set may miss it: after a fork
        # Python forgets what has come so far. A pool that is left early ends its workers so.
        os.register_at_fork(
            before=self._block, after_in_parent=self._unblock, after_in_child=self._let_go
        )

    def _block(self) -> None:
        self._blocked.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _unblock(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked.before)

    def _let_go(self) -> None:
        # A handler that the job has set is what its children shall have.
        if signal.getsignal(signal.SIGTERM) == self._ask:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._unblock()

    def _ask(self, signum: int, _: object) -> None:
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
