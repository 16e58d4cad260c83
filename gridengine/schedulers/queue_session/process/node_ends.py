"""What nodes say themselves of the ends of queue jobs, in files.

A batch system that tells of no end is looked at every few seconds, and has written down only then
how a queue job ended, if at all. What has started its supervisor knows it at once
(`gridengine.worker.subreaper`), and says it in a folder of the program's, if there is one for that:
``ends``, beside that of the logs. It is no proof that the queue job's place is free again.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator

from ....transport import private_files
from .batch_system import Ending

FOLDER = "ends"

_NOTE = re.compile(r"(-?\d+) (\d+\.\d+)\n")


class NodeEnds:
    """The folders in which nodes say how queue jobs have ended."""

    def __init__(self) -> None:
        self._folders: dict[str, None] = {}

    def expect(self, logs: str) -> None:
        """Has nodes say it whose queue jobs print into a folder of a program's."""
        folder = os.path.join(os.path.dirname(logs), FOLDER)
        if logs == os.devnull or folder in self._folders:
            return
        # Where it cannot be made, the batch system's own word comes later.
        with contextlib.suppress(OSError):
            private_files.make_folder(folder)
            self._folders[folder] = None

    def endings(self) -> Iterator[Ending]:
        """Yields what was said since the last call."""
        for folder in self._folders:
            try:
                names = os.listdir(folder)
            except OSError:
                continue
            for name in filter(_is_queue_job, names):
                if (ending := _ending(name, os.path.join(folder, name))) is not None:
                    yield ending


def _is_queue_job(name: str) -> bool:
    return name.replace(".", "").isdigit()


def _ending(queue_job: str, path: str) -> Ending | None:
    try:
        note = _NOTE.fullmatch(private_files.read_file(path))
        os.unlink(path)
    except (OSError, ValueError):
        return None
    if note is None:
        return None
    status, usage = int(note[1]), {"ru_wallclock": note[2]}
    if status >= 0:
        return Ending(queue_job, exited=True, status=status, usage=usage)
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return Ending(queue_job, signal=name, usage=usage)
