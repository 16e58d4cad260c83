"""The doctor's queue job: submitted, awaited and taken back, with what it has told meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable
from typing import Any

from ..schedulers.base import Session
from ..schedulers.events import End, Ended, Refused, Stuck, Submitted, Waiting
from ..schedulers.queue_session.session import QueueSession
from ..settings import Settings
from ..transport import private_files
from .node_command import ExitFacts, exit_facts, prepare
from .port import Port

PACKAGES = ("gridengine", "zmq", "msgspec", "dill", "psutil")
"""What a worker imports."""

_GRACE = 4.0  # seconds to start in spite of all
_STEP = 0.02  # seconds between two looks into the folder
_LAST = 1.5  # seconds in which a file is seen that was written before the queue job ended
_SEEN = 3.0  # seconds in which the node's file is to be seen here


@dataclasses.dataclass
class TrialOutcome:
    """What became of the queue job.

    Attributes:
        queue_job: Its name, empty if it was not taken.
        refused: Why it was not.
        submitted: Seconds until it was.
        stuck: The batch system's reason for which it will not start.
        waits: The batch system's reason for which it has not started, as far as it said one.
        hopeless: Whether it could not be expected to start.
        begun: Seconds from its submission until something of it was heard; 0 if nothing was.
        end: How it ended, None if it was not seen to.
        node: What it has found, None if it has told nothing by itself.
        by_network: Whether it told so by the port.
        printed: What its Python has printed, if it did not start.
        here_after: Seconds until a file of the node was seen here, None if it was not tried.
    """

    queue_job: str = ""
    refused: str = ""
    submitted: float = 0.0
    stuck: str = ""
    waits: str = ""
    hopeless: bool = False
    begun: float = 0.0
    end: End | None = None
    node: dict[str, Any] | None = None
    by_network: bool = False
    printed: str = ""
    here_after: float | None = None

    @property
    def exit_facts(self) -> ExitFacts | None:
        """What its exit status says, None if there is none, or another one."""
        return exit_facts(self.end.exitcode) if self.end else None

    @property
    def complete(self) -> bool:
        """Whether the node has told all that it has to tell."""
        return bool(self.node and self.node.get("complete"))


class Trial:
    """One queue job, from its submission to its end.

    Args:
        session: A session of the scheduler, at work.
        settings: Those of the program.
        folder: The program's private folder.
    """

    def __init__(self, session: Session, settings: Settings, folder: str) -> None:
        self._session, self._folder = session, folder
        # All that is to be known comes by other ways; and a queue job that was to print into a
        # folder that its node does not see could not be started at all.
        self._logs = os.devnull
        if not isinstance(session, QueueSession):
            self._logs = os.path.join(folder, "logs")
            private_files.new_folder(self._logs)
        self.outcome = TrialOutcome()
        token = os.urandom(8).hex()
        self.port = Port(settings, folder, token)
        try:
            self._command = prepare(folder, self.port.endpoints, token, PACKAGES)
            self.port.register(session.fileno())
        except BaseException:
            self.port.close()
            raise

    def run(self, deadline: float, hopeless: Callable[[], bool]) -> TrialOutcome:
        """Returns what there is to know, at the deadline (`time.monotonic`) at the latest.

        Args:
            deadline: When it ends.
            hopeless: Whether a queue job is not to be expected to start.
        """
        asked = time.monotonic()
        self._session.start(
            1, self._command, 1, name="gridengine-doctor", resources={}, logs=self._logs
        )
        submitted = 0.0
        last = deadline
        while (now := time.monotonic()) < min(deadline, last):
            self.port.wait(min(_STEP, deadline - now))
            self._hear()
            self._look()
            found = self.outcome
            if found.queue_job and not submitted:
                submitted = time.monotonic()
                found.submitted = submitted - asked
            if submitted and not found.begun and (found.node or found.printed):
                found.begun = time.monotonic() - submitted
            if found.complete or found.refused or found.stuck:
                break
            if submitted and not found.begun and now > submitted + _GRACE and hopeless():
                found.hopeless = True
                break
            if found.end is not None and last == deadline:
                facts = found.exit_facts
                # Nothing comes by a folder that it has not seen.
                last = now if facts and not facts.folder else now + _LAST
        self._see_the_nodes_file(deadline)
        return self.outcome

    def close(self) -> None:
        """Closes the port."""
        self.port.close()

    def _hear(self) -> None:
        for event in self._session.events():
            match event:
                case Submitted(_, (queue_job, *_)):
                    self.outcome.queue_job = queue_job
                case Refused(_, reason):
                    self.outcome.refused = reason
                case Stuck(_, reason):
                    self.outcome.stuck = reason
                case Waiting(_, reason):
                    self.outcome.waits = reason
                case Ended(_, end):
                    self.outcome.end = end

    def _look(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            if _read(os.path.join(self._folder, "over")).strip() not in ("0", "3"):
                self.outcome.printed = _read(os.path.join(self._folder, "printed")).strip() or "?"
        if self.port.findings is not None:
            self.outcome.node, self.outcome.by_network = self.port.findings, True
            return
        # The node's own umask says who may read it; the folder lets in nobody else.
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(_read(os.path.join(self._folder, "found")))
            if isinstance(told, dict):
                self.outcome.node = told

    def _see_the_nodes_file(self, deadline: float) -> None:
        found = self.outcome
        if not (found.by_network and found.complete and found.node and found.node.get("folder")):
            return
        # It has said so right after it had written it.
        path = os.path.join(self._folder, "found")
        while time.monotonic() < min(deadline, self.port.told_at + _SEEN):
            with contextlib.suppress(OSError, ValueError):
                if json.loads(_read(path)).get("complete"):
                    found.here_after = max(0.0, time.monotonic() - self.port.told_at)
                    return
            time.sleep(_STEP / 10)


def _read(path: str) -> str:
    place = private_files.open_folder(os.path.dirname(path))
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(
            os.open(os.path.basename(path), flags, dir_fd=place), encoding="utf-8", errors="replace"
        ) as file:
            return file.read(1 << 20)
    finally:
        os.close(place)
