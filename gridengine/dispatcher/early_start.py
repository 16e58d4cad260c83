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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import SchedulerError
    from ..schedulers.base import Scheduler

_WORKER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "worker")

#: Bytes of a path with which that of a socket two floors below is not yet too long: 104 bytes with
#: its end on macOS, 108 on Linux (unix(4), unix(7)).
_LONGEST = (107 if sys.platform == "linux" else 103) - len("/gridengine-01234567/dispatcher")


def command(launch_file: str) -> Sequence[str]:
    """Returns the command that a queue job runs."""
    return [sys.executable, _WORKER, launch_file]


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
    """

    def __init__(self, scheduler: Scheduler, calls: int) -> None:
        self.folder = _new_folder()
        self.session = scheduler.open()
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


def remove(folder: str) -> None:
    """Removes a dispatcher's folder and what is in it, as far as that can be done."""
    import contextlib

    # `shutil` takes ten times as long to import as this takes.
    for parent, folders, files in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            for name in files:
                os.unlink(os.path.join(parent, name))
            for name in folders:
                os.rmdir(os.path.join(parent, name))
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def place() -> str:
    """Returns the folder in which a dispatcher's own is made.

    Raises:
        SchedulerError: There is none.
    """
    # `tempfile` would look at the same; but its import would keep the first worker waiting.
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  # a folder of our own in it
    every = (os.path.abspath(temporary), "/tmp", "/var/tmp")  # noqa: S108
    for path in every:
        if len(os.fsencode(path)) <= _LONGEST and os.access(path, os.W_OK | os.X_OK):
            return path
    raise no_folder(f"none of {', '.join(every)} can be written, with a path short enough")


def _new_folder() -> str:
    folder = os.path.join(place(), f"gridengine-{os.urandom(4).hex()}")
    try:
        os.mkdir(folder, 0o700)
    except OSError as error:
        raise no_folder(error) from None
    return folder


def no_folder(error: object) -> SchedulerError:
    """Returns what to raise if a dispatcher's folder cannot be made."""
    from ..errors import SchedulerError

    return SchedulerError(
        f"cannot make a folder for sockets and keys: {error}; name another place "
        "(GRIDENGINE_RUN_DIR on a cluster, TMPDIR here)"
    )
