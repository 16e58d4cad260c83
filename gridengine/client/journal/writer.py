"""The thread that writes a journal: what the dispatcher hears must not wait for a disk."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...ledger.task import Outcome
from ...logs import Log
from ...serialization.packed import Frame
from ...states import Mode
from ...transport.shared_memory import gather
from . import file
from .values import size_of, to_be_kept

if TYPE_CHECKING:
    import sqlite3

log = Log(__name__)

#: Seconds for which results are collected before they are written: what a SIGKILL can lose.
_COLLECT_SECONDS = 1.0

#: Bytes from which they are written before that, and above which a map makes no more.
_COLLECT_BYTES, _MOST_BYTES = 16 * 1024 * 1024, 256 * 1024 * 1024

#: Bytes of a buffer in one row: a row has less than 10^9 (SQLITE_MAX_LENGTH).
_PART = 256 * 1024 * 1024


class Scope(NamedTuple):
    """What is called, and with what beside the items.

    Attributes:
        digest: Tells it from all others.
        name: What people call it.
    """

    digest: bytes
    name: str


class Chunk:
    """Neighbouring calls that were submitted together.

    Args:
        scope: What is called.
        mode: How.
        first: The number of the first call in its map.
        keys: What they are known by, packed.
        plain: Whether those are the packed items themselves.
    """

    __slots__ = ("first", "keys", "mode", "plain", "row", "scope")

    def __init__(self, scope: Scope, mode: Mode, first: int, keys: Frame, *, plain: bool) -> None:
        self.scope = scope
        self.mode = mode
        self.first = first
        self.keys = keys
        self.plain = plain
        # Where it is in the file, None before any of its calls is.
        self.row: int | None = None


class Writer:
    """Writes what it is given, in transactions of a second's results.

    When the file cannot be written any more, that is said once, and the rest is not kept.

    Args:
        path: The journal, which is there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._given: queue.SimpleQueue[tuple[Chunk, Outcome] | threading.Event | None]
        self._given = queue.SimpleQueue()
        self._waiting = 0
        self._room = threading.Condition()
        self._failed = False
        self._connection: sqlite3.Connection | None = None
        self._scopes: dict[bytes, int] = {}
        self._thread = threading.Thread(target=self._run, name="gridengine-journal", daemon=True)
        self._thread.start()

    def put(self, chunk: Chunk, outcome: Outcome) -> None:
        """Has an answer written. Never blocks."""
        if not self._failed:
            with self._room:
                self._waiting += size_of(outcome)
            self._given.put((chunk, outcome))

    def wait_for_room(self) -> None:
        """Waits while more waits to be written than memory should be spent on."""
        if self._waiting > _MOST_BYTES:
            with self._room:
                self._room.wait_for(lambda: self._waiting <= _MOST_BYTES or self._failed)

    def flush(self) -> None:
        """Waits until all that was given is written, or cannot be."""
        written = threading.Event()
        self._given.put(written)
        written.wait()

    def close(self) -> None:
        """Writes the rest, and lets go of the file."""
        self._given.put(None)
        self._thread.join()

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            while self._write_some():
                pass
        finally:
            if self._connection is not None:
                self._connection.close()

    def _write_some(self) -> bool:
        """Collects results and writes them; False when it is to end."""
        batch: list[tuple[Chunk, Outcome]] = []
        flushed: threading.Event | None = None
        size, end = 0, 0.0
        given: Any = self._given.get()
        while given is not None:
            if isinstance(given, threading.Event):
                flushed = given
                break
            end = end or time.monotonic() + _COLLECT_SECONDS
            batch.append(given)
            size += size_of(given[1])
            if size >= _COLLECT_BYTES:
                break
            try:
                given = self._given.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
        try:
            if batch and not self._failed:
                self._write(batch)
        finally:
            with self._room:
                self._waiting -= size
                self._room.notify_all()
            if flushed is not None:
                flushed.set()
        return given is not None

    def _write(self, batch: Sequence[tuple[Chunk, Outcome]]) -> None:
        try:
            if self._connection is None:
                self._connection = file.connect(self._path)
            with file.transaction(self._connection):
                for chunk, outcome in batch:
                    self._insert(self._connection, chunk, outcome)
        except Exception as error:
            # Never the end of what makes the results.
            self._failed = True
            log.warning(
                "the journal %s cannot be written any more (%s): the results of the last second, "
                "and those that come, are not kept, and all else goes on",
                self._path, error,
            )  # fmt: skip

    def _insert(self, connection: sqlite3.Connection, chunk: Chunk, outcome: Outcome) -> None:
        try:
            found = to_be_kept(outcome, chunk.mode)
        except Exception as error:
            log.warning("results of %s are not kept: %s", chunk.scope.name, error)
            return
        if found is None:
            return
        payload, frames, failed = found
        if chunk.row is None:
            (keys,) = gather([chunk.keys])
            chunk.keys = None
            chunk.row = connection.execute(
                "INSERT INTO chunks (scope, first, plain, keys) VALUES (?, ?, ?, ?)",
                (self._scope(connection, chunk.scope), chunk.first, chunk.plain, keys),
            ).lastrowid
        size = len(payload) + sum(map(len, frames))
        values = (
            chunk.row, outcome.lo, outcome.hi, json.dumps(failed) if failed else None,
            None if len(payload) > _PART else payload, len(frames), size, time.time(),
        )  # fmt: skip
        row = connection.execute(
            "INSERT INTO answers (chunk, lo, hi, failed, payload, frames, size, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        ).lastrowid
        # A payload that is too long for its row is as a buffer before the first.
        large = ([(-1, payload)] if len(payload) > _PART else []) + list(enumerate(frames))
        for number, frame in large:
            view = memoryview(frame)
            parts = [view[at : at + _PART] for at in range(0, max(1, len(view)), _PART)]
            connection.executemany(
                "INSERT INTO frames VALUES (?, ?, ?, ?)",
                [(row, number, part, data) for part, data in enumerate(parts)],
            )

    def _scope(self, connection: sqlite3.Connection, scope: Scope) -> int:
        row = self._scopes.get(scope.digest)
        if row is None:
            connection.execute(
                "INSERT OR IGNORE INTO scopes (digest, name, began) VALUES (?, ?, ?)",
                (*scope, time.time()),
            )
            (row,) = connection.execute(
                "SELECT id FROM scopes WHERE digest = ?", (scope.digest,)
            ).fetchone()
            self._scopes[scope.digest] = row
        return int(row)
