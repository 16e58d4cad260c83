"""The first workers of a program on its own host, started before all else is imported.

A supervisor takes as long to start as the dispatcher to import what it needs, and each takes
longer than a short map. So what is needed to start one, and no more, is imported first; its launch
file is written, and the socket bound, while it is on its way. It waits for the one and tries again
for the other.
"""

from __future__ import annotations

import os
import sys

from ..schedulers.base import FIRST_BATCH
from ..transport import interpreter
from .run_folder import new_local_folder, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..schedulers.base import Scheduler

_WORKER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "worker")


def command(launch_file: str, *, here: bool = True) -> Sequence[str]:
    """Returns the command that a queue job runs.

    Args:
        launch_file: What tells it the rest.
        here: Whether this program starts it itself.
    """
    return [sys.executable, *interpreter.flags(inherits=here), _WORKER, launch_file]


def launch_file(folder: str, kind: int, workers: int) -> str:
    """Returns where the launch file of a kind of supervisor lies."""
    return os.path.join(folder, f"launch-{kind}-{workers}")


class EarlyStart:
    """A session on this host, with its first supervisor if there is work for one.

    Args:
        scheduler: What it is a session of.
        calls: How many calls there will be, as far as is known.

    Attributes:
        folder: The dispatcher's private folder.
        session: The session.
        workers: How many are started, 0 for none.

    Raises:
        SchedulerError: There is no room for its folder.
        OSError: No descriptor is left.
    """

    def __init__(self, scheduler: Scheduler, calls: int) -> None:
        self.folder = new_local_folder()
        try:
            self.session = scheduler.open()
        except BaseException:
            remove(self.folder)
            raise
        self.workers = min(calls, scheduler.workers_per_queue_job)
        if self.workers:
            try:
                self._start(launch_file(self.folder, 0, self.workers))
            except BaseException:
                self.close()
                raise

    def _start(self, path: str) -> None:
        self.session.start(FIRST_BATCH, command(path), 1, name="gridengine", resources={}, logs="")

    def close(self) -> None:
        """Ends what was started. Idempotent."""
        self.session.close()
        remove(self.folder)
