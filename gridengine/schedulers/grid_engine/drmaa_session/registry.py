"""The file in which a session notes its queue jobs, for whoever has to clean up after it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Mapping


def own_queue_job(environ: Mapping[str, str]) -> str:
    """Returns the queue job in which this process runs, such as ``17.1``; empty if in none."""
    job, task = environ.get("JOB_ID", ""), environ.get("SGE_TASK_ID", "")
    if not job.isdigit():
        return ""
    return f"{job}.{task if task.isdigit() else 1}"


class Registry:
    """One session's file, in a folder that only its user may read.

    It is there while the session may have queue jobs: a session process that was killed leaves
    it behind, and it says what to delete.
    """

    def __init__(self, path: str, parent: int) -> None:
        self._path = path
        self._header = {
            "host": socket.gethostname(),
            "program": parent,
            "driver": own_queue_job(os.environ),
            "session": os.getpid(),
            "since": time.time(),
            "SGE_ROOT": os.environ.get("SGE_ROOT", ""),
            "SGE_CELL": os.environ.get("SGE_CELL", "default"),
        }
        # One that was killed may have left the file, and this one adopts its queue jobs.
        self._arrays = _noted(path)

    def add(self, queue_jobs: list[str], name: str) -> None:
        """Notes a new array, or one that is adopted, which has no ``name`` here.

        Raises:
            OSError: The file cannot be written.
        """
        job = queue_jobs[0].partition(".")[0]
        if name or job not in self._arrays:
            self._arrays[job] = {"tasks": len(queue_jobs), "name": name, "time": time.time()}
        self._write()

    def submitted(self, queue_job: str) -> float | None:
        """Returns when a queue job was submitted, in seconds since 1970, None if unknown."""
        noted = self._arrays.get(queue_job.partition(".")[0])
        # One that was adopted without a name was noted when it was adopted.
        return float(str(noted["time"])) if noted and noted["name"] else None

    def remove(self, job: str) -> None:
        """Forgets an array all of whose tasks have ended."""
        if self._arrays.pop(job, None) is not None:
            self._write()

    def close(self) -> None:
        """Removes the file."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _write(self) -> None:
        if not self._path:
            return
        folder = os.path.dirname(self._path)
        # makedirs() gives its mode to the last one alone.
        for each in (os.path.dirname(folder), folder):
            os.makedirs(each, mode=0o700, exist_ok=True)
        fresh = f"{self._path}.new"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({**self._header, "queue_jobs": self._arrays}, file)
        os.replace(fresh, self._path)


def _noted(path: str) -> dict[str, dict[str, object]]:
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file)["queue_jobs"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
