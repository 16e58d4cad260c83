"""The first workers of a program on its own host, started before all else is imported.

A supervisor takes as long to start as the dispatcher to import what it needs, and each takes
longer than a short map. So what is needed to start one, and no more, is imported first; what it is
to do it is told while it is on its way, and waits for that.
"""

from __future__ import annotations

import os
import sys

from ..schedulers.base import FIRST_BATCH
from ..transport import interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..schedulers.base import Scheduler

_WORKER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "worker")


def command(launch_file: str) -> Sequence[str]:
    """Returns the command that a queue job runs on a node.

    Args:
        launch_file: Where it finds what to do.
    """
    return [sys.executable, *interpreter.flags(), _WORKER, launch_file]


def command_here() -> Sequence[str]:
    """Returns the command of a supervisor on this host.

    By the process id of this program people and `gridengine reap` know whose it is.
    """
    flags = interpreter.flags(inherits=True)
    return [sys.executable, *flags, _WORKER, str(os.getpid())]


class EarlyStart:
    """A session on this host, with its first supervisor if there is work for one.

    Args:
        scheduler: What it is a session of.
        calls: How many calls there will be, as far as is known.

    Attributes:
        session: The session.
        workers: How many are started, 0 for none.

    Raises:
        OSError: No descriptor is left.
    """

    def __init__(self, scheduler: Scheduler, calls: int) -> None:
        self.session = scheduler.open()
        self.workers = min(calls, scheduler.workers_per_queue_job)
        if self.workers:
            try:
                self._start(command_here())
            except BaseException:
                self.close()
                raise

    def _start(self, command: Sequence[str]) -> None:
        self.session.start(FIRST_BATCH, command, 1, name="gridengine", resources={}, logs="")

    def close(self) -> None:
        """Ends what was started. Idempotent."""
        self.session.close()
