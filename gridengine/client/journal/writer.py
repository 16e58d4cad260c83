"""The thread that writes a journal: what the dispatcher hears must not wait for a disk."""

from __future__ import annotations

import _thread
import json
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from ...ledger.task import Outcome
from ...logs import Log
from ...serialization.packed import Frame
from ...states import Mode
from ...transport.shared_memory import gather
from .file import Transaction
from .values import size_of, to_be_kept

if TYPE_CHECKING:
    import sqlite3

    from .file import JournalFile

log = Log(__name__)

#: Seconds for which results are collected before they are written: what a SIGKILL can lose. Those
#: of calls that took longer are written at once.
_COLLECT_SECONDS = 0.25

#: Bytes from which they are written before that, while workers make others: at the end of a map
#: nobody does anything else. And above which a map makes no more.
_COLLECT_BYTES, _MOST_BYTES = 256 * 1024, 256 * 1024 * 1024

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


class KeptChunk:
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
    """Writes what it is given, in transactions of a quarter of a second's results.

    When the file cannot be written any more, that is said once, and the rest is not kept.

    Args:
        file: The journal.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._news = threading.Condition(threading.Lock())
        self._batch: list[tuple[KeptChunk, Outcome]] = []
        self._size = 0
        # The scopes of the single jobs in it.
        self._jobs: set[bytes] = set()
        self._running = self._hurried = self._closed = self._failed = False
        self._scopes: dict[bytes, int] = {}

    def put(self, chunk: KeptChunk, outcome: Outcome) -> None:
        """Has an answer written. Never waits for the disk."""
        with self._news:
            if self._failed or self._closed:
                return
            self._batch.append((chunk, outcome))
            if chunk.mode is Mode.CALL:
                self._jobs.add(chunk.scope.digest)
            self._size += size_of(outcome)
            if outcome.wall > _COLLECT_SECONDS:
                self._hurried = True
            if not self._running:
                self._running = True
                # Not a `threading.Thread`, whose start waits for it to run.
                _thread.start_new_thread(self._run, ())
            elif self._hurried or self._size >= _COLLECT_BYTES:
                self._news.notify_all()

    def awaits(self, scope: bytes) -> bool:
        """Tells whether an answer of a single job was given that nobody has begun to write."""
        return scope in self._jobs

    def write_if_many(self) -> None:
        """Writes what was given if that is more than memory should be spent on."""
        if self._size > _MOST_BYTES:
            self.write()

    def write(self) -> None:
        """Writes all that was given so far; returns when it is written, or cannot be."""
        if self._failed or self._closed:
            return
        try:
            # First, so that who asks for a result finds it either here or there.
            with self._file.connection() as connection:
                batch = self._taken()
                if batch:
                    with Transaction(connection):
                        for chunk, outcome in batch:
                            self._insert(connection, chunk, outcome)
        except Exception as error:
            # Never the end of what makes the results.
            self._failed = True
            self._taken()
            log.warning(
                "the journal %s cannot be written any more (%s): the latest "
                "results, and those that come, are not kept, and all else goes on",
                self._file.path, error,
            )  # fmt: skip

    def _taken(self) -> list[tuple[KeptChunk, Outcome]]:
        """Returns what was given, for it to be written."""
        with self._news:
            batch, self._batch, self._size = self._batch, [], 0
            self._hurried = False
            self._jobs.clear()
        return batch

    def close(self) -> None:
        """Writes the rest, and takes no more."""
        self.write()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _run(self) -> None:
        """Writes what is there, then what has come for a while, until that is nothing."""
        while True:
            self.write()
            with self._news:
                self._news.wait_for(
                    lambda: self._closed or self._hurried or self._size >= _COLLECT_BYTES,
                    _COLLECT_SECONDS,
                )
                if self._closed or not self._batch:
                    self._running = False
                    return

    def _insert(self, connection: sqlite3.Connection, chunk: KeptChunk, outcome: Outcome) -> None:
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
