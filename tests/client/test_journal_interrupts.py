"""Journals that are interrupted: by Ctrl-C, and by the garbage collector."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gridengine.client.journal import file


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
