"""What writes a journal: interrupted, collected, without threads, and on slow disks."""

from __future__ import annotations

import contextlib
import functools
import logging
import pickle
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import gridengine
from gridengine.client.journal import file, results, writer
from gridengine.client.journal import journal as journals
from gridengine.ledger.task import Outcome, Place
from gridengine.schedulers import InlineScheduler, ProcessScheduler
from gridengine.states import Mode

from ..journals import path, wait_until_closed
from ..waiting import wait_until

__all__ = ["path"]


def test_a_journal_that_is_looked_at_while_it_is_made_is_no_other_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_LOCKED", 0)
    journal = file.JournalFile(str(tmp_path / "run.journal"))
    looking = sqlite3.connect(journal.path, isolation_level=None)

    class Meanwhile:
        """A connection of a program that looks; another makes the journal between two looks."""

        in_transaction = property(lambda _: looking.in_transaction)

        def execute(self, statement: str) -> Any:
            found = looking.execute(statement).fetchone()
            if statement == "PRAGMA application_id":
                with contextlib.suppress(sqlite3.Error), journal.connection():
                    pass
            return SimpleNamespace(fetchone=lambda: found)

    meanwhile: Any = Meanwhile()
    assert not file._is_one(meanwhile, journal.path)
    looking.close()
    journal.close()


class _Interrupted:
    """A connection to a journal; Ctrl-C comes while a statement runs, and is raised after it."""

    def __init__(self, connection: sqlite3.Connection, statement: str) -> None:
        self.connection = connection
        self.statement = statement

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        found = self.connection.execute(statement, *values)
        if statement.startswith(self.statement):
            self.statement = "none any more"
            raise KeyboardInterrupt
        return found


def test_ctrl_c_while_a_transaction_begins_leaves_none_open(tmp_path: Path) -> None:
    journal = file.JournalFile(str(tmp_path / "run.journal"))
    with journal.connection() as connection:
        interrupted: Any = _Interrupted(connection, "BEGIN")
        with pytest.raises(KeyboardInterrupt), file.Transaction(interrupted):
            raise AssertionError("it has not begun")
        assert not connection.in_transaction
    other = sqlite3.connect(journal.path, isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    other.close()
    with journal.connection() as connection, file.Transaction(connection) as transaction:
        pass
    assert transaction.committed
    journal.close()


def _answer(value: object) -> Outcome:
    payload = pickle.dumps([value], 5)
    return Outcome(0, 1, payload, (), {}, 0.0, 0.0, 0, Place("", 0, ""))


def _chunk(function: str, item: int) -> writer.KeptChunk:
    scope = writer.Scope(function.encode().ljust(16), function)
    return writer.KeptChunk(scope, Mode.MAP, item, pickle.dumps([item], 5), plain=True)


def _kept(path: str) -> list[tuple[str, bytes, bytes]]:
    """Returns what is in a journal: names, items and values."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(
            "SELECT name, keys, payload FROM answers JOIN chunks ON chunk = chunks.id"
            " JOIN scopes ON scope = scopes.id ORDER BY answers.id"
        ).fetchall()
    finally:
        connection.close()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What writes a journal, when it is told to and not by a thread of its own."""
    monkeypatch.setattr(writer._thread, "start_new_thread", lambda *_: None)
    journal = file.JournalFile(str(tmp_path / "run.journal"))
    yield writer.Writer(journal)
    journal.close()


def _interrupt(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Has Ctrl-C come while the next such statement runs."""
    opened = file._opened
    monkeypatch.setattr(
        file, "_opened", lambda path, make: _Interrupted(opened(path, make=make), statement)
    )


@pytest.mark.parametrize("statement", ["BEGIN", "INSERT INTO chunks", "INSERT INTO ans", "COMMIT"])
def test_ctrl_c_while_results_are_written_loses_none_and_mixes_up_none(
    written: writer.Writer, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    _interrupt(monkeypatch, statement)
    # Two answers of one chunk, and one of another.
    chunk = _chunk("g", 1)
    for _ in range(2):
        written.put(chunk, _answer("g of 1"))
    written.put(_chunk("g", 2), _answer("g of 2"))
    with pytest.raises(KeyboardInterrupt):
        written.write()
    for function, item in (("h", 1), ("g", 3)):
        written.put(_chunk(function, item), _answer(f"{function} of {item}"))
    written.close()
    kept = [(name, *pickle.loads(keys), *pickle.loads(value)) for name, keys, value in
            _kept(written._file.path)]  # fmt: skip
    expected = [("g", 1), ("g", 1), ("g", 2), ("h", 1), ("g", 3)]
    assert kept == [(name, item, f"{name} of {item}") for name, item in expected]


def test_ctrl_c_at_the_end_of_a_map_lets_go_of_its_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with InlineScheduler() as inline, monkeypatch.context() as patched:
        patched.setattr(journals, "_close_idle", lambda: None)
        patched.setattr(journals.Journal, "flush", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gridengine.map(abs, [-1], scheduler=inline, journal=path)
        (journal,) = journals._open.journals.values()
        assert journal.users == 0
    journals._close_all()
    journals._start_anew()


def test_ctrl_c_while_a_job_is_looked_up_lets_go_of_its_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with InlineScheduler() as inline, monkeypatch.context() as patched:
        patched.setattr(journals, "_close_idle", lambda: None)
        patched.setattr(journals.Journal, "value", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gridengine.Job(target=abs, args=(-1,), scheduler=inline, journal=path).start()
        (journal,) = journals._open.journals.values()
        assert journal.users == 0
    journals._close_all()
    journals._start_anew()


def test_that_a_journal_cannot_be_written_is_said_once_by_all_who_write_it(
    written: writer.Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    barrier = threading.Barrier(2)

    def full(path: str, *, make: bool) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    class Both:
        """A lock that is asked for by two before either has it."""

        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def __enter__(self) -> None:
            barrier.wait(60)
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    monkeypatch.setattr(file, "_opened", full)
    monkeypatch.setattr(written._file, "_lock", Both(written._file._lock))
    written.put(_chunk("g", 1), _answer(1))
    with caplog.at_level(logging.WARNING):
        threads = [threading.Thread(target=written.write) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert caplog.text.count("cannot be written any more (database or disk is full)") == 1
    monkeypatch.undo()


def _within(seconds: float, what: Any) -> None:
    """Has something done by another thread, and fails if that does not end."""
    thread = threading.Thread(target=what, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive()


def test_a_map_that_is_collected_by_who_reads_its_journal_ends(path: Path) -> None:
    with InlineScheduler() as inline:
        values = gridengine.imap(abs, range(-5, 0), scheduler=inline, journal=path)
        assert next(values) == 5
        (journal,) = journals._open.journals.values()

        def collected() -> None:
            assert journal._file is not None
            with journal._file.connection(), journals._open.lock:
                values.close()

        _within(20, collected)
        assert journal.users == 0
    wait_until_closed()
    # What it had is kept nevertheless.
    assert pickle.loads(_kept(str(path))[0][1]) == [-5]


def test_a_map_that_is_collected_by_who_gives_results_waits_for_who_writes_them(
    written: writer.Writer,
) -> None:
    written.put(_chunk("g", 1), _answer(1))
    with written._news:
        thread = threading.Thread(target=written.write, daemon=True)
        thread.start()
        wait_until(lambda: not written._batch, what="the results to be written", timeout=20)
        written.put(_chunk("g", 2), _answer(2))
        written.write()
    thread.join()
    assert len(_kept(written._file.path)) == 2


def test_keys_are_unpacked_while_others_may_write(
    written: writer.Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in range(5):
        written.put(_chunk("g", item), _answer(item))
    written.write()
    loads = pickle.loads

    def checked(packed: bytes) -> Any:
        with written._file.connection():
            return loads(packed)

    monkeypatch.setattr(results.pickle, "loads", checked)
    monkeypatch.setattr(results, "_CHUNKS_AT_ONCE", 2)
    found = results.Results(written._file, b"g".ljust(16), numbered=False)
    assert list(found.split(list(range(6)), 0)) == [(0, 5, [*range(5)]), (5, 6, None)]


def test_what_is_written_late_does_not_open_a_closed_journal_again(written: writer.Writer) -> None:
    written.put(_chunk("g", 1), _answer(1))
    written._file.close()
    written.write()
    assert written._file._connection is None
    with pytest.raises(file.UnavailableError), written._file.connection():
        pass


def _no_thread(*_: object) -> int:
    raise RuntimeError("can't start new thread")


def test_a_map_whose_journal_gets_no_thread_ends_and_is_kept(
    laptop: ProcessScheduler, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(writer, "_thread", SimpleNamespace(start_new_thread=_no_thread))
        patched.setattr(journals, "_thread", SimpleNamespace(start_new_thread=_no_thread))
        for _ in range(2):
            _within(
                20, lambda: gridengine.map(abs, [-1], scheduler=laptop, journal=path, chunksize=1)
            )
        assert len(_kept(str(path))) == 1
    journals.leave(journals.use(str(path)))


def test_a_map_hears_of_an_answer_that_cannot_be_kept(
    laptop: ProcessScheduler,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(journals.Journal, "put", broken)
    for items in ([-1], [-1, -2]):
        _within(
            20,
            functools.partial(
                gridengine.map, abs, items, scheduler=laptop, journal=path, chunksize=2
            ),
        )
    assert caplog.text.count("results of abs are not kept: no room") >= 2


@pytest.mark.parametrize(("kind", "most"), [("ext4", 256 * 1024), ("nfs4", 16 * 1024 * 1024)])
def test_where_the_disk_is_waited_for_more_results_are_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, most: int
) -> None:
    monkeypatch.setattr(writer._thread, "start_new_thread", lambda *_: None)
    monkeypatch.setattr(file, "file_system", lambda _: kind)
    journal = file.JournalFile(str(tmp_path / "run.journal"))
    given = writer.Writer(journal)
    given.put(_chunk("g", 1), _answer(1))
    given.write()
    assert not given._are_due()
    large = b"x" * 200_000
    for calls in range(1, 2 + most // len(large)):
        given.put(_chunk("g", calls), _answer(large))
        assert given._are_due() == (calls > most // len(large))
    given.close()
    journal.close()
