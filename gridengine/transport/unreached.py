"""The note of a supervisor that could not reach the program, in the folder that both see."""

from __future__ import annotations

import contextlib
import json
import os
from typing import NamedTuple


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
            with open(f"{path}.new", "w", encoding="utf-8") as file:
                json.dump(self._asdict(), file)
            os.replace(f"{path}.new", path)

    @classmethod
    def read(cls, folder: str, queue_job: str) -> Unreached | None:
        """Returns the note of a queue job, None if it has left none."""
        try:
            with open(_path(folder, queue_job), encoding="utf-8") as file:
                given = json.load(file)
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
