"""What the user's program and its session process say to each other: one line of JSON each.

::

    program ──▶ session process      Hello  Submit  Delete  Ask  Close
    session process ──▶ program      SessionReady  BatchTaken  BatchRefused  BatchDelayed
                                     QueueJobEnd  Accounted  QueueJobStuck  QueueJobsWait
                                     QueueJobsStanding  LogEntry  Closed  SessionFailed
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any


@dataclasses.dataclass(frozen=True)
class Hello:
    """The first message.

    Attributes:
        batch_system: What to talk to: ``module:Class``, of a `batch_system.BatchSystem`.
        sys_path: Where to import that, and what it needs, from.
        parent: Process id of the user's program.
        registry: File to note the queue jobs in.
        patience: Seconds until which the master must have answered for the first time.
        trial: Whether it shall be found out if this host may submit.
        contact: By which to take over from a process that died, empty if none has.
        adopted: Queue jobs that are this process's from now on.
    """

    batch_system: str
    sys_path: tuple[str, ...]
    parent: int
    registry: str
    patience: float
    trial: bool
    contact: str
    adopted: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Submit:
    """Start ``count`` copies of a command.

    ``logs`` is the folder for what they print, or ``/dev/null``.
    """

    batch: int
    command: tuple[str, ...]
    count: int
    name: str
    options: str
    logs: str


@dataclasses.dataclass(frozen=True)
class Delete:
    """End these queue jobs."""

    queue_jobs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Ask:
    """Say how these queue jobs stand: nothing is heard of what runs in them.

    Without names: see which are over, for connections with some have ended.
    """

    queue_jobs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Close:
    """End all queue jobs, and exit."""


@dataclasses.dataclass(frozen=True)
class SessionReady:
    """The session is there.

    Attributes:
        system: Name of the batch system.
        contact: By which another process can take the session over.
    """

    system: str
    contact: str


@dataclasses.dataclass(frozen=True)
class SessionFailed:
    """There will be no session; ``reason`` says why."""

    reason: str


@dataclasses.dataclass(frozen=True)
class BatchTaken:
    """The queue jobs of a batch."""

    batch: int
    queue_jobs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class BatchRefused:
    """A batch will never be taken."""

    batch: int
    reason: str


@dataclasses.dataclass(frozen=True)
class BatchDelayed:
    """A batch, or the rest of it, is submitted later; ``reason`` says why not yet."""

    batch: int
    reason: str


@dataclasses.dataclass(frozen=True)
class QueueJobEnd:
    """A queue job has ended.

    Attributes:
        queue_job: Its name.
        exited: Whether the command ended by itself, with ``status``.
        status: Exit status.
        signal: Name of the signal that ended it, empty if none did.
        aborted: Whether it was deleted, or never ran.
        deleted: Whether this session itself had asked for that.
        usage: What is known of the resources that it used, by names of DRMAA's.
        accounting: What is written down about it, empty if nothing is known to be.
        final: Whether nothing is to be added; otherwise an `Accounted` follows.
    """

    queue_job: str
    exited: bool
    status: int
    signal: str
    aborted: bool
    deleted: bool
    usage: dict[str, str]
    accounting: dict[str, str]
    final: bool = True


@dataclasses.dataclass(frozen=True)
class Accounted:
    """What is written down by now about a queue job that is over, empty if nothing."""

    queue_job: str
    accounting: dict[str, str]


@dataclasses.dataclass(frozen=True)
class QueueJobStuck:
    """A queue job will not start by itself."""

    queue_job: str
    reason: str


@dataclasses.dataclass(frozen=True)
class QueueJobsWait:
    """Queue jobs have waited for long, and why.

    Attributes:
        queue_jobs: They.
        reason: Why.
        aloud: Whether that is for the log, too.
        words: What the batch system's commands have printed.
    """

    queue_jobs: tuple[str, ...]
    reason: str
    aloud: bool
    words: str


@dataclasses.dataclass(frozen=True)
class QueueJobsStanding:
    """By what those of ``queue_jobs`` are suspended that are.

    Said of those that were asked about, and of those that were suspended or resumed.
    """

    queue_jobs: tuple[str, ...]
    suspended: dict[str, str]


@dataclasses.dataclass(frozen=True)
class LogEntry:
    """Something for the log."""

    text: str


@dataclasses.dataclass(frozen=True)
class Closed:
    """The last message: ``left`` queue jobs were not seen to end, but are being deleted."""

    left: int


Message = (
    Hello | Submit | Delete | Ask | Close
    | SessionReady | SessionFailed | BatchTaken | BatchRefused | BatchDelayed | QueueJobEnd
    | Accounted | QueueJobStuck | QueueJobsWait | QueueJobsStanding | LogEntry | Closed
)  # fmt: skip


class Malformed(ValueError):
    """A line is none of the messages."""


def encode(message: Message) -> bytes:
    """Returns the line of a message."""
    return json.dumps([type(message).__name__, vars(message)]).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Returns the message of a line.

    Raises:
        Malformed: It is none.
    """
    try:
        name, given = json.loads(line)
        kind: Any = _KINDS[name]
        fields = {field.name: str(field.type) for field in dataclasses.fields(kind)}
        if given.keys() != fields.keys():
            raise Malformed(f"{name} with the fields {', '.join(given)}")
        message: Message = kind(
            **{key: _checked(fields[key], value) for key, value in given.items()}
        )
        return message
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed(f"{line[:200]!r}: {error}") from error


def _checked(expected: str, value: object) -> object:
    if expected == "tuple[str, ...]" and isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return tuple(value)
    elif expected == "dict[str, str]" and isinstance(value, dict):
        if all(isinstance(item, str) for item in value.values()):
            return value
    elif expected == "float" and isinstance(value, (int, float)):
        return float(value)
    elif type(value).__name__ == expected:
        return value
    raise Malformed(f"{value!r} is no {expected}")


_MESSAGES: tuple[type[Message], ...] = (
    Hello, Submit, Delete, Ask, Close,
    SessionReady, SessionFailed, BatchTaken, BatchRefused, BatchDelayed, QueueJobEnd,
    Accounted, QueueJobStuck, QueueJobsWait, QueueJobsStanding, LogEntry, Closed,
)  # fmt: skip
_KINDS = {kind.__name__: kind for kind in _MESSAGES}
