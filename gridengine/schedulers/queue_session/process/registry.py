"""The file in which a session notes its queue jobs, for whoever has to clean up after it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping

from ....transport import private_files
from ....transport.process_identity import ProcessIdentity


class Registry:
    """One session's file, in a folder that only its user may read.

    It is there while the session may have queue jobs: a session process that was killed leaves
    it behind, and it says what to delete.

    Args:
        path: Where.
        parent: Process id of the program.
        identity: What is noted of the batch system: `BatchSystem.identity`.
        say: Is told, once, that the file cannot be written, or that others could read or replace
            it: the session goes on, but `gridengine reap` would not know of it.

    Attributes:
        program: Which program it is.
    """

    def __init__(
        self,
        path: str,
        parent: int,
        identity: Mapping[str, str],
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._path = path
        self._say = say
        self._said = False
        self.program = ProcessIdentity.of(parent)
        self._header = {
            "program": self.program._asdict(),
            "session": ProcessIdentity.of(os.getpid())._asdict(),
            **identity,
        }
        # One that was killed may have left the file, and this one adopts its queue jobs.
        self._arrays = _noted(path)

    def add(self, queue_jobs: list[str], name: str) -> None:
        """Notes a new array, or one that is adopted, which has no ``name`` here."""
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
        try:
            self._write_file()
        except OSError as error:
            if not self._said:
                self._said = True
                self._say(
                    f"queue jobs cannot be noted for `gridengine reap`, should the program and its "
                    f"session process be killed: {error}"
                )

    def _write_file(self) -> None:
        folder = os.path.dirname(self._path)
        # The one around it holds keys, too.
        around = private_files.without_link(os.path.dirname(folder), make=True)
        for each in (around, folder):
            private_files.make_folder(each)
        noted = {**self._header, "queue_jobs": self._arrays}
        private_files.write_file(self._path, json.dumps(noted), replace=True)


def _noted(path: str) -> dict[str, dict[str, object]]:
    try:
        return dict(json.loads(private_files.read_file(path))["queue_jobs"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
