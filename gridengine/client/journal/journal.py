"""The journals that this program has open, one for each file."""

from __future__ import annotations

import _thread
import os
import threading
import time
from typing import TYPE_CHECKING

from ...dispatcher.registry import after_all
from ...errors import GridEngineError
from ...ledger.task import Outcome, Place
from ...logs import Log
from ...serialization.serializer import unpack
from . import file
from .results import Results, packed
from .values import kept
from .writer import KeptChunk, Scope, Writer

if TYPE_CHECKING:
    from .file import JournalFile

log = Log(__name__)

#: Seconds for which one that nobody uses stays open: the next map or job may be about to.
_LINGER = 0.2

_OF_A_SCOPE = "FROM answers JOIN chunks ON chunk = chunks.id JOIN scopes ON scope = scopes.id"
_VALUE = f"SELECT answers.id {_OF_A_SCOPE} WHERE digest = ? ORDER BY answers.id LIMIT 1"
_OTHERS = f"SELECT coalesce(sum(hi - lo), 0) {_OF_A_SCOPE} WHERE name = ? AND digest != ?"


class Journal:
    """A journal, for all maps and jobs of this program that use it.

    Args:
        path: Where it lies.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.users = 0
        self._file: JournalFile | None = None
        self._writer: Writer | None = None
        self._opening = threading.Lock()
        self._opened = False

    def open(self) -> None:
        """Opens the file, unless it is open. Waits while another program has it locked.

        Raises:
            GridEngineError: It is no journal, or others could have written it.
        """
        with self._opening:
            if self._opened:
                return
            self._file = _opened(self.path)
            if self._file is not None:
                self._writer = Writer(self._file)
            self._opened = True

    def results(self, scope: bytes, *, numbered: bool = False) -> Results | None:
        """Returns what it has of a function, None if that is nothing."""
        if self._file is None or self._file.is_new:
            return None
        try:
            found = Results(self._file, scope, numbered=numbered)
        except (file.sqlite().Error, file.UnavailableError) as error:
            log.warning("the journal %s cannot be read: %s", self.path, error)
            return None
        return found or None

    def value(self, scope: bytes) -> Outcome | None:
        """Returns the answer of a single job, None if it has none."""
        if self._file is None or self._writer is None:
            return None
        if self._writer.awaits(scope):
            self._writer.write()
        if self._file.is_new:
            return None
        try:
            with self._file.connection() as connection:
                row = connection.execute(_VALUE, (scope,)).fetchone()
                if row is None:
                    return None
                payload, frames = packed(connection, row[0])
            # One that cannot be rebuilt here is made anew.
            unpack(payload, frames)
        except Exception as error:
            log.warning("a result in the journal %s cannot be used: %s", self.path, error)
            return None
        return Outcome(0, 1, payload, frames, {}, 0.0, 0.0, 0, Place("", 0, ""))

    def others(self, scope: Scope) -> int:
        """Returns how many results it has of functions of the same name that are other ones."""
        if self._file is None or self._file.is_new:
            return 0
        try:
            with self._file.connection() as connection:
                (count,) = connection.execute(_OTHERS, (scope.name, scope.digest)).fetchone()
        except (file.sqlite().Error, file.UnavailableError):
            return 0
        return int(count)

    def put(self, chunk: KeptChunk, outcome: Outcome) -> None:
        """Has an answer kept. Never waits for the disk."""
        if self._writer is not None:
            self._writer.put(chunk, kept(outcome))

    def write_if_many(self) -> None:
        """Writes what was given if that is more than memory should be spent on."""
        if self._writer is not None:
            self._writer.write_if_many()

    def flush(self) -> None:
        """Returns when all that was given is in the file."""
        if self._writer is not None:
            self._writer.write()

    def close(self) -> None:
        """Writes the rest, and lets go of the file."""
        if self._file is not None and self._writer is not None:
            self._writer.close()
            self._file.close()


def _opened(path: str) -> JournalFile | None:
    """Returns the file; None if there is no room for it, which ends no run."""
    try:
        return file.JournalFile(path)
    except (OSError, file.sqlite().OperationalError) as error:
        if isinstance(error, PermissionError):
            raise GridEngineError(
                f"the journal {path} cannot be opened: {error.strerror}"
            ) from None
        log.warning("the journal %s cannot be used (%s): no results are kept", path, error)
        return None


class _Open:
    """Those that are open."""

    def __init__(self) -> None:
        # The garbage collector may have one left in the middle of what has this.
        self.lock = threading.RLock()
        self.journals: dict[str, Journal] = {}
        # When the last user has left those that nobody uses.
        self.idle: dict[Journal, float] = {}
        self.closing = False


_open = _Open()


def use(path: str) -> Journal:
    """Returns the journal of a file, open until `leave` is called as often as this.

    Raises:
        GridEngineError: It is no journal, or others could have written it.
    """
    with _open.lock:
        journal = _open.journals.get(path)
        if journal is None:
            journal = _open.journals[path] = Journal(path)
        journal.users += 1
        _open.idle.pop(journal, None)
    try:
        # Without the lock, for which the dispatcher waits in `leave`.
        journal.open()
    except BaseException:
        with _open.lock:
            journal.users -= 1
            if not journal.users and _open.journals.get(path) is journal:
                del _open.journals[path]
        raise
    return journal


def leave(journal: Journal) -> None:
    """Lets go of a journal. Never blocks for long."""
    with _open.lock:
        journal.users -= 1
        if journal.users or _open.journals.get(journal.path) is not journal:
            return
        _open.idle[journal] = time.monotonic()
        if _open.closing:
            return
        _open.closing = True
    # Not a `threading.Thread`, whose start waits for it to run, and takes a lock that is held if
    # the garbage collector has this called where one is started.
    try:
        _thread.start_new_thread(_close_idle, ())
    except RuntimeError:
        # No more threads for now: it is closed with the next that is left, or at the end.
        _open.closing = False


def _close_idle() -> None:
    """Closes those that nobody has used for a while, until there is none."""
    while True:
        time.sleep(_LINGER / 2)
        # Who opens it anew shall find all of it.
        for journal in list(_open.idle):
            journal.flush()
        with _open.lock:
            enough = time.monotonic() - _LINGER
            # The garbage collector may add to them.
            over = [journal for journal in list(_open.idle) if _open.idle[journal] <= enough]
            for journal in over:
                del _open.idle[journal], _open.journals[journal.path]
            last = _open.closing = bool(_open.idle)
        for journal in over:
            journal.close()
        if not last:
            return


def _close_all() -> None:
    with _open.lock:
        journals = list(_open.journals.values())
        _open.journals.clear()
        _open.idle.clear()
    for journal in journals:
        journal.close()


def _start_anew() -> None:
    """In a fork of this program: who writes is not there, and a file is not to be shared so."""
    global _open
    _open = _Open()


# After the last job for which the program waits.
after_all(_close_all)
os.register_at_fork(after_in_child=_start_anew)
