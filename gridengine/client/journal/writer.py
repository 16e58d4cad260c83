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
from .file import Transaction, UnavailableError
from .values import size_of, to_be_kept

if TYPE_CHECKING:
    import sqlite3

    from .file import JournalFile

log = Log(__name__)

#: Seconds for which results are collected before they are written: what a SIGKILL can lose. Those
#: of calls that took longer are written at once.
_COLLECT_SECONDS = 0.25

#: Bytes from which they are written before that, while workers make others: at the end of a map
#: nobody does anything else. And where the disk is waited for, each time.
_COLLECT_BYTES, _COLLECT_SLOW_BYTES = 256 * 1024, 16 * 1024 * 1024

#: Bytes above which a map makes no more.
_MOST_BYTES = 256 * 1024 * 1024

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


class _Rows:
    """Where in the file a transaction has put what later ones refer to."""

    def __init__(self) -> None:
        self.scopes: dict[bytes, int] = {}
        self.chunks: dict[KeptChunk, int] = {}


class Writer:
    """Writes what it is given, in transactions of a quarter of a second's results.

    When the file cannot be written any more, that is said once, and the rest is not kept.

    Args:
        file: The journal.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        # Who has this may wait for the file, if the garbage collector ends a map just then; so who
        # has the file never asks for this.
        self._news = threading.Condition(threading.RLock())
        # With the bytes of each. What is in the file is taken out, and by who has that alone.
        self._batch: list[tuple[KeptChunk, Outcome, int]] = []
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
            size = size_of(outcome)
            self._batch.append((chunk, outcome, size))
            if chunk.mode is Mode.CALL:
                self._jobs.add(chunk.scope.digest)
            self._size += size
            if outcome.wall > _COLLECT_SECONDS:
                self._hurried = True
            if not self._running:
                self._start()
            elif self._are_due():
                self._news.notify_all()

    def _start(self) -> None:
        try:
            self._running = True
            # Not a `threading.Thread`, whose start waits for it to run.
            _thread.start_new_thread(self._run, ())
        except RuntimeError:
            # No more threads for now. Those of the next results try again, and a map at its end.
            self._running = False

    def awaits(self, scope: bytes) -> bool:
        """Tells whether an answer of a single job was given that is not in the file yet."""
        return scope in self._jobs

    def write_if_many(self) -> None:
        """Writes what was given if that is more than memory should be spent on."""
        if self._size > _MOST_BYTES:
            self.write()

    def write(self) -> None:
        """Writes all that was given so far; returns when it is written, or cannot be.

        If the garbage collector has it called by who is just at the file, it returns at once: there
        is a thread that does it.
        """
        if self._failed or not self._batch:
            return
        try:
            with self._file.connection() as connection:
                # Who had it until now may have found that it is full.
                if self._batch and not self._failed:
                    self._write(connection)
        except UnavailableError:
            return
        except Exception as error:
            # Never the end of what makes the results.
            self._fail(error)
        else:
            self._look_again()

    def _write(self, connection: sqlite3.Connection) -> None:
        # What comes meanwhile is for the next time. This stays where it is until it is in the file:
        # Ctrl-C loses nothing, and who asks for a result finds it either here or there.
        batch = self._batch[:]
        rows = _Rows()
        transaction = Transaction(connection)
        try:
            with transaction:
                for chunk, outcome, _ in batch:
                    self._insert(connection, rows, chunk, outcome)
        finally:
            if transaction.committed:
                del self._batch[: len(batch)]
                # Not before: another function's could get the numbers of those rolled back.
                self._scopes |= rows.scopes
                for chunk, row in rows.chunks.items():
                    chunk.row, chunk.keys = row, None

    def _look_again(self) -> None:
        """Notes what is still to be written."""
        with self._news:
            self._size = sum(size for *_, size in self._batch)
            self._hurried = any(outcome.wall > _COLLECT_SECONDS for _, outcome, _ in self._batch)
            self._jobs = {
                chunk.scope.digest for chunk, *_ in self._batch if chunk.mode is Mode.CALL
            }

    def _fail(self, error: Exception) -> None:
        with self._news:
            if self._failed:
                return
            self._failed = True
            self._batch.clear()
        self._look_again()
        log.warning(
            "the journal %s cannot be written any more (%s): the latest "
            "results, and those that come, are not kept, and all else goes on",
            self._file.path, error,
        )  # fmt: skip

    def close(self) -> None:
        """Writes the rest, and takes no more."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        self.write()

    def _run(self) -> None:
        """Writes what is there, then what has come for a while, until that is nothing."""
        while True:
            self.write()
            with self._news:
                self._news.wait_for(lambda: self._closed or self._are_due(), _COLLECT_SECONDS)
                if self._closed or not self._batch:
                    self._running = False
                    return

    def _are_due(self) -> bool:
        enough = _COLLECT_SLOW_BYTES if self._file.waits_for_disk else _COLLECT_BYTES
        return self._hurried or self._size >= enough

    def _insert(
        self, connection: sqlite3.Connection, rows: _Rows, chunk: KeptChunk, outcome: Outcome
    ) -> None:
        try:
            found = to_be_kept(outcome, chunk.mode)
        except Exception as error:
            log.warning("results of %s are not kept: %s", chunk.scope.name, error)
            return
        if found is None:
            return
        payload, frames, failed = found
        chunk_row = rows.chunks.get(chunk) if chunk.row is None else chunk.row
        if chunk_row is None:
            chunk_row = rows.chunks[chunk] = self._insert_chunk(connection, rows, chunk)
        size = len(payload) + sum(map(len, frames))
        values = (
            chunk_row, outcome.lo, outcome.hi, json.dumps(failed) if failed else None,
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

    def _insert_chunk(self, connection: sqlite3.Connection, rows: _Rows, chunk: KeptChunk) -> int:
        (keys,) = gather([chunk.keys])
        row = connection.execute(
            "INSERT INTO chunks (scope, first, plain, keys) VALUES (?, ?, ?, ?)",
            (self._scope(connection, rows, chunk.scope), chunk.first, chunk.plain, keys),
        ).lastrowid
        assert row is not None
        return row

    def _scope(self, connection: sqlite3.Connection, rows: _Rows, scope: Scope) -> int:
        row = self._scopes.get(scope.digest) or rows.scopes.get(scope.digest)
        if row is None:
            connection.execute(
                "INSERT OR IGNORE INTO scopes (digest, name, began) VALUES (?, ?, ?)",
                (*scope, time.time()),
            )
            (row,) = connection.execute(
                "SELECT id FROM scopes WHERE digest = ?", (scope.digest,)
            ).fetchone()
            rows.scopes[scope.digest] = row
        return int(row)
