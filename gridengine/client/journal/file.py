"""The file of a journal: an SQLite database, in which results are kept as workers have packed them.

::

    scopes    what is called: the digest of a function and of what it is called with beside items
    chunks    neighbouring calls of a map that were submitted together, and what each is known by
    answers   values of some calls of a chunk
    frames    large buffers to which the values refer, in parts

What is in it is unpickled, so it is as trusted as code: it must be this user's, and nobody else may
write it, nor put another file in its place.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import GridEngineError
from ...settings_file import is_written_by_others

if TYPE_CHECKING:
    from sqlite3 import Connection
    from types import TracebackType

    from typing_extensions import Self

APPLICATION = 0x67656A31
"""What such a file says that it is: SQLite's ``application_id``."""

VERSION = 1
"""That of the tables: SQLite's ``user_version``."""

#: Seconds for which the file may be locked: another program writes for milliseconds at a time.
_LOCKED = 60.0

#: Pages of 4 KiB in the log from which they are brought to their places in the middle of a map, for
#: which the disk is waited for. That is done anyway when the file is closed, when nobody waits.
_WAL_PAGES = 16384

_TABLES = f"""
CREATE TABLE scopes (id INTEGER PRIMARY KEY, digest BLOB UNIQUE, name TEXT, began REAL);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, scope INTEGER, first INTEGER, plain INTEGER, keys BLOB
);
CREATE INDEX chunks_of_scopes ON chunks (scope);
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, chunk INTEGER, lo INTEGER, hi INTEGER, failed TEXT, payload BLOB,
    frames INTEGER, size INTEGER, at REAL
);
CREATE INDEX answers_of_chunks ON answers (chunk);
CREATE TABLE frames (
    answer INTEGER, frame INTEGER, part INTEGER, data BLOB, PRIMARY KEY (answer, frame, part)
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""

#: Kinds of file systems that other hosts see too: mount(8). There is no memory there that two
#: hosts share, which a write-ahead log needs: https://sqlite.org/wal.html.
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "afs", "9p"}
_REMOTE |= {"glusterfs", "fuse.glusterfs", "fuse.sshfs", "pvfs2", "orangefs", "panfs", "wekafs"}


def sqlite() -> Any:
    """Returns the module ``sqlite3``.

    Raises:
        GridEngineError: This Python was built without.
    """
    try:
        import sqlite3  # a part of Python that may be left out
    except ImportError as error:
        raise GridEngineError(
            f"a journal needs the module sqlite3, which this Python lacks ({error}): "
            "build it with libsqlite3-dev, or use another"
        ) from None
    return sqlite3


class UnavailableError(GridEngineError):
    """A journal is closed, or who asks for it is already in the middle of using it."""


class JournalFile:
    """A journal that results go to, for one thread at a time.

    Args:
        path: Where it lies; it is made if there is none.

    Raises:
        GridEngineError: It is no journal, or one of another version, or others could have written
            it, or it cannot be opened.
        OSError: It cannot be made, or opened.
        sqlite3.Error: It cannot be read, or written.

    Attributes:
        path: Where it lies.
        is_new: Whether there is nothing in it, as it was made just now.
        waits_for_disk: Whether each transaction does.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # The garbage collector may end a map in whatever thread, in the middle of what has this.
        self._lock = threading.RLock()
        self._used = self._closed = False
        sqlite()
        # What is new has nothing in it that is asked for. Its tables take 2 ms, as long as a tenth
        # of a short map: who writes first has them made, while workers are busy.
        self.is_new = _check(path, make=True)
        self._connection: Connection | None = None
        self.waits_for_disk = False
        if not self.is_new:
            self._opened()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Has a connection to it for as long as the block runs, and nobody else meanwhile.

        Raises:
            UnavailableError: It is closed, or this thread has one further up its stack.
            GridEngineError: As above.
            OSError: As above.
            sqlite3.Error: As above.
        """
        with self._lock:
            if self._used:
                raise UnavailableError(f"the journal {self.path} is in use by this very thread")
            if self._closed:
                # What writes it may have waited meanwhile. Another may be in its place by now.
                raise UnavailableError(f"the journal {self.path} is closed")
            try:
                self._used = True
                yield self._opened()
            finally:
                # Ctrl-C between two lines of Python may have left one, which would lock out others.
                try:
                    if self._connection is not None:
                        roll_back(self._connection)
                finally:
                    self._used = False

    def _opened(self) -> Connection:
        if self._connection is None:
            connection = _opened(self.path, make=True)
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            self.waits_for_disk = mode != "wal"
            self._connection = connection
            self.is_new = False
        return self._connection

    def close(self) -> None:
        """Lets go of it, once and for all."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def open_to_read(path: str) -> Connection | None:
    """Returns a connection to a journal that is there, to read it; None if nothing is in it yet.

    Raises:
        GridEngineError: It is no journal, or one of another version, or others could have written
            it, or it cannot be opened.
        OSError: It cannot be opened.
        sqlite3.Error: It cannot be read.
    """
    _check(path, make=False)
    connection = _opened(path, make=False)
    if _is_one(connection, path):
        return connection
    connection.close()
    return None


def _opened(path: str, *, make: bool) -> Connection:
    sqlite3 = sqlite()
    connection: Connection = sqlite3.connect(
        path, timeout=_LOCKED, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, path, make=make)
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise GridEngineError(_no_journal(path, str(error))) from None
    except BaseException:
        connection.close()
        raise
    return connection


class Transaction:
    """Has all or nothing of what is done within written, and nobody else write meanwhile.

    Args:
        connection: To the file; who makes this alone uses it.

    Attributes:
        committed: Whether that is in the file, be it that Ctrl-C has come since.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.committed = False

    def __enter__(self) -> Self:
        try:
            # Ctrl-C while it waits for another program is raised when the transaction has begun.
            self._connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            roll_back(self._connection)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            # Ctrl-C while it is committed is raised when it is.
            self.committed = kind is None and not self._connection.in_transaction
            roll_back(self._connection)


def roll_back(connection: Connection) -> None:
    """Ends a transaction, if there is one, with nothing of it written."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite().Error):
            connection.execute("ROLLBACK")


def _prepare(connection: Connection, path: str, *, make: bool) -> None:
    if _is_one(connection, path):
        _use_wal(connection, path)
    elif make:
        # A new file has nothing to lose yet, and to wait for the disk takes as long as a short map.
        connection.execute("PRAGMA synchronous = OFF")
        _use_wal(connection, path)
        with Transaction(connection):
            # Another program may have been quicker.
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
    connection.execute("PRAGMA synchronous = NORMAL")


def _is_one(connection: Connection, path: str) -> bool:
    """Tells whether a file is a journal; False if there is nothing in it yet.

    Raises:
        GridEngineError: It is something else.
    """
    try:
        # At one moment: another program may be making it.
        connection.execute("BEGIN")
        application, version, tables = (
            connection.execute(query).fetchone()[0]
            for query in ("PRAGMA application_id", "PRAGMA user_version",
                          "SELECT count(*) FROM sqlite_master")
        )  # fmt: skip
    finally:
        roll_back(connection)
    if not application and not version and not tables:
        # The first calls of the program that made the file run, or it was killed meanwhile.
        return False
    if application != APPLICATION:
        raise GridEngineError(_no_journal(path, "it is a database of another program"))
    if version != VERSION:
        raise GridEngineError(
            f"{path} is a journal of version {version}, and this gridengine has {VERSION}: go on "
            "with the gridengine that has made it, or name a new file"
        )
    return True


def _no_journal(path: str, why: str) -> str:
    return f"{path} is no journal ({why}), and is left as it is: name another file"


def _use_wal(connection: Connection, path: str) -> None:
    # With a write-ahead log a program that is killed at any byte leaves all that it has committed,
    # without a wait for the disk at each commit.
    mode = "TRUNCATE" if file_system(path) in _REMOTE else "WAL"
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")


def file_system(path: str) -> str:
    """Returns the kind of file system in which a file lies, as mount(8) calls it; else nothing."""
    path = os.path.realpath(path)
    kind, longest = "", -1
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                before, _, after = line.partition(" - ")
                mounted = before.split()[4].replace("\\040", " ").rstrip("/")
                if len(mounted) >= longest and f"{path}/".startswith(f"{mounted}/"):
                    kind, longest = after.split()[0], len(mounted)
    except (OSError, IndexError):
        return ""
    return kind


# -- who can write it -------------------------------------------------------------------------


def _check(path: str, *, make: bool) -> bool:
    """Refuses a file that others could have written; tells whether there was none, and makes it.

    Raises:
        GridEngineError: It is such a one.
        OSError: It cannot be made.
    """
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise GridEngineError(f"there is no folder {folder} for the journal {path}: make it")
    if is_written_by_others(folder):
        raise GridEngineError(
            f"others can write into {folder}, and so put something in the place of the journal "
            f"{path}, from which results are unpickled: name a file in a folder of your own"
        )
    made = False
    if make:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, flags, 0o600))
            made = True
    for suffix in ("", "-wal", "-shm", "-journal"):
        each = path + suffix
        if not os.path.lexists(each):
            if suffix:
                continue
            raise GridEngineError(f"there is no journal {path}")
        if not stat.S_ISREG(os.lstat(each).st_mode):
            raise GridEngineError(_no_journal(each, "it is no file"))
        if is_written_by_others(each):
            raise GridEngineError(
                f"{each} is no file of yours that others may not write, and results are unpickled "
                f"from it: name another file, or if what is in it is yours: chmod go-w {each}"
            )
    return made
