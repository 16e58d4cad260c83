"""A Grid Engine without a Grid Engine: the stand-in for the binding of libdrmaa."""

from __future__ import annotations

import dataclasses
import json
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gridengine.schedulers.base import Session
from gridengine.schedulers.events import End, Ended, Event, Explained, Submitted
from gridengine.schedulers.grid_engine.scheduler import GridEngineScheduler
from gridengine.schedulers.grid_engine.session import GridEngineSession

E = TypeVar("E")


@dataclasses.dataclass
class StandIn:
    """The cluster behind the stand-in."""

    folder: Path

    def trouble(self, **troubles: object) -> None:
        """Says what is wrong with it from now on; nothing, without arguments."""
        fresh = self.folder / "troubles.new"
        fresh.write_text(json.dumps(troubles))
        fresh.replace(self.folder / "troubles")

    def command(self, name: str, script: str) -> None:
        """Installs one of its commands: a shell script."""
        path = self.folder / "bin" / "lx-amd64" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Has sessions use the stand-in."""
    root = tmp_path / "sge"
    root.mkdir()
    (root / "libdrmaa.so").touch()
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_in"))
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", str(root / "libdrmaa.so"))
    monkeypatch.setenv("SGE_ROOT", str(root))
    monkeypatch.setenv("PATH", "/nowhere")  # its commands are not installed
    monkeypatch.setenv("STAND_IN_DRMAA", str(root / "troubles"))
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "run"))
    made = StandIn(root)
    made.trouble()
    return made


class Talk:
    """A session, and what it said so far."""

    def __init__(self, session: Session, logs: Path) -> None:
        self.session = session
        self.logs = logs
        self.heard: list[Event] = []
        self._batch = 0

    def start(self, script: str, count: int = 1, **resources: object) -> int:
        """Starts a shell script; returns the number of the batch."""
        self._batch += 1
        self.session.start(
            self._batch,
            ["/bin/sh", "-c", script],
            count,
            name="test",
            resources=resources,
            logs=str(self.logs),
        )
        return self._batch

    def hear(self, kind: type[E], count: int = 1, *, timeout: float = 30.0) -> list[E]:
        """Waits until it has said ``count`` things of a kind, and returns all of the kind."""
        return self.wait(lambda: [e for e in self.heard if isinstance(e, kind)], count, timeout)

    def submitted(self, count: int = 1, *, timeout: float = 30.0) -> list[str]:
        """Waits until that many queue jobs were submitted, and returns their names."""
        return self.wait(
            lambda: [n for e in self.heard if isinstance(e, Submitted) for n in e.queue_jobs],
            count,
            timeout,
        )

    def ended(self, queue_job: str, *, timeout: float = 30.0) -> Ended:
        """Waits for the end of one queue job."""
        return self.wait(
            lambda: [e for e in self.heard if isinstance(e, Ended) and e.queue_job == queue_job],
            1,
            timeout,
        )[0]

    def explained(self, queue_job: str, *, timeout: float = 30.0) -> End:
        """Waits for all that will be known of the end of a queue job."""
        first = self.ended(queue_job, timeout=timeout).end
        if first.final:
            return first
        return self.wait(
            lambda: [
                e for e in self.heard if isinstance(e, Explained) and e.queue_job == queue_job
            ],
            1,
            timeout,
        )[0].end

    def wait(self, look: Callable[[], list[E]], count: int, timeout: float) -> list[E]:
        """Takes in events until ``look`` finds enough."""
        end = time.monotonic() + timeout
        while len(found := look()) < count:
            left = end - time.monotonic()
            assert left > 0, f"not within {timeout:g} s; heard: {self.heard}"
            select.select([self.session.fileno()], [], [], left)
            self.heard += self.session.events()
        return found


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    """Opens a session with a scheduler made of the arguments."""
    talks: list[Talk] = []

    def open_talk(**options: Any) -> Talk:
        logs = tmp_path / "logs"
        logs.mkdir(exist_ok=True)
        talks.append(Talk(GridEngineScheduler(**options).open(), logs))
        return talks[-1]

    yield open_talk
    for made in talks:
        made.session.close()


def process_of(session: Session) -> int:
    """Returns the process id of a session's process."""
    assert isinstance(session, GridEngineSession)
    return session.process_id
