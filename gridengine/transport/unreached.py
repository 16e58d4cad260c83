"""The note of a supervisor that could not reach the program, in the folder that both see."""

from __future__ import annotations

import contextlib
import json
import os
from typing import NamedTuple

from . import private_files


class Unreached(NamedTuple):
    """Why a supervisor has not reached the program.

    Attributes:
        host: The supervisor's host.
        reason: Each of the program's addresses, and what came of it; or what else keeps it from
            working for this program. And what to do.
    """

    host: str
    reason: str

    def write(self, folder: str, queue_job: str) -> None:
        """Leaves the note of a queue job in the program's folder, if that can be done."""
        path = _path(folder, queue_job)
        with contextlib.suppress(OSError):
            private_files.write_file(path, json.dumps(self._asdict()), replace=True)

    @classmethod
    def read(cls, folder: str, queue_job: str) -> Unreached | None:
        """Returns the note of a queue job, None if it has left none."""
        try:
            given = json.loads(private_files.read_file(_path(folder, queue_job)))
            return cls(str(given["host"]), str(given["reason"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


class UnreachedError(Exception):
    """None of the program's addresses answers.

    Attributes:
        note: For the program.
    """

    def __init__(self, note: Unreached) -> None:
        super().__init__(note.reason)
        self.note = note


def _path(folder: str, queue_job: str) -> str:
    return os.path.join(folder, f"unreached-{queue_job}")
