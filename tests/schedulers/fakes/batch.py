"""The half of a batch system that is the same in all: queue jobs, slots, processes, ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: What runs a script, and notes how it has ended, as a shell says it.
RUN = 'sh "$1"; echo $? > "$2.new"; mv "$2.new" "$2"'

#: Seconds between SIGTERM and SIGKILL.
KILL_DELAY = 3.0


class Batch:
    """What the commands remember from one to the next.

    Attributes:
        jobs: All queue jobs ever, by name.
        next: The number of the next one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "jobs.json"
        told = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.jobs: dict[str, dict[str, Any]] = told.get("jobs", {})
        self.next: int = told.get("next", 1)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: str) -> Iterator[Batch]:
        """Has nobody else change anything meanwhile."""
        with open(Path(folder) / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            batch = cls(Path(folder))
            batch.look()
            yield batch
            batch.look()
            batch.file.write_text(json.dumps({"jobs": batch.jobs, "next": batch.next}))

    def add(self, name: str, script: str, variables: Mapping[str, str], /, **facts: Any) -> None:
        path = self.folder / f"script-{self.next}"
        path.write_text(script)
        self.jobs[name] = {"state": "pending", "script": str(path), "env": variables, **facts}

    def look(self) -> None:
        """Notes what has ended, and starts what there is room for."""
        running = 0
        for name, job in self.jobs.items():
            if job["state"] == "running":
                self._look_at(name, job)
                running += job["state"] == "running"
        slots = self.folder / "slots"
        room = int(slots.read_text()) if slots.exists() else 16
        for name, job in self.jobs.items():
            if job["state"] == "pending" and not job.get("held") and running < room:
                self._start(name, job)
                running += 1

    def _start(self, name: str, job: dict[str, Any]) -> None:
        # What a login has, and nothing of the one who has submitted it.
        kept = {key: os.environ[key] for key in ("HOME", "USER", "LOGNAME") if key in os.environ}
        process = subprocess.Popen(
            ["sh", "-c", RUN, "sh", job["script"], str(self._end_of(name))],
            env={**kept, "PATH": "/usr/local/bin:/usr/bin:/bin", **job["env"]},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        job.update(state="running", pid=process.pid, started=time.time())

    def _look_at(self, name: str, job: dict[str, Any]) -> None:
        end = self._end_of(name)
        if not end.exists() and is_there(job["pid"]):
            if "killed" in job and time.time() > job["killed"] + KILL_DELAY:
                signal_all(job["pid"], signal.SIGKILL)
            return
        status = int(end.read_text()) if end.exists() else 128 + job.get("by", signal.SIGKILL)
        job.update(state="over", status=status, ended=time.time())

    def kill(self, name: str) -> None:
        job = self.jobs[name]
        if job["state"] == "pending":
            job.update(state="over", status=None)
        elif job["state"] == "running":
            job.setdefault("killed", time.time())
            job["by"] = int(signal.SIGTERM)
            signal_all(job["pid"], signal.SIGTERM)

    def _end_of(self, name: str) -> Path:
        return self.folder / f"end-{name}"


def signal_all(group: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signum)


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
