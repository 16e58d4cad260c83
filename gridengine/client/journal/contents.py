"""What is in a journal, for people and other programs to read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ...serialization.serializer import unpack
from . import file
from .results import packed

if TYPE_CHECKING:
    from sqlite3 import Connection
    from types import TracebackType

    from typing_extensions import Self


class KeptFunction(NamedTuple):
    """Of one function, with one code and one set of options.

    Attributes:
        digest: Tells it from others.
        name: What people call it.
        results: How many results there are.
        size: Bytes of these.
        began: When the first was written, in seconds since the epoch.
        latest: When the last was.
    """

    digest: str
    name: str
    results: int
    size: int
    began: float
    latest: float


class KeptResult(NamedTuple):
    """Of one call.

    Attributes:
        function: The digest of what was called.
        name: What people call it.
        item: The item, or what it is known by: a text that begins with ``#`` for a digest.
        value: What was returned.
        error: Why that cannot be rebuilt here; empty if it can.
    """

    function: str
    name: str
    item: Any
    value: Any
    error: str


class Contents:
    """A journal, open for reading; a context manager.

    Args:
        path: Where it lies.

    Raises:
        GridEngineError: It is no journal, or there is none, or others can write it.
        OSError: It cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._connection = file.open_to_read(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def functions(self) -> list[KeptFunction]:
        """Returns what there is of each function, the newest last."""
        if self._connection is None:
            return []
        found = self._connection.execute(
            "SELECT digest, name, sum(hi - lo), sum(size), began, max(at)"
            " FROM answers JOIN chunks ON chunk = chunks.id JOIN scopes ON scope = scopes.id"
            " GROUP BY scopes.id ORDER BY max(at)"
        ).fetchall()
        failed: dict[str, int] = {}
        for digest, calls in self._connection.execute(
            "SELECT digest, failed FROM answers JOIN chunks ON chunk = chunks.id"
            " JOIN scopes ON scope = scopes.id WHERE failed IS NOT NULL"
        ):
            failed[digest.hex()] = failed.get(digest.hex(), 0) + len(json.loads(calls))
        return [
            KeptFunction(
                digest.hex(), name, count - failed.get(digest.hex(), 0), size, began, latest
            )
            for digest, name, count, size, began, latest in found
        ]

    def results(self, which: str = "") -> Iterator[KeptResult]:
        """Yields the results of the functions of a name, or a digest; by default of all.

        Code of the user's runs when values are rebuilt, as it does in the program.
        """
        if self._connection is None:
            return
        rows = self._connection.execute(
            "SELECT answers.id, digest, name, plain, keys, lo, hi, failed"
            " FROM answers JOIN chunks ON chunk = chunks.id JOIN scopes ON scope = scopes.id"
            " ORDER BY answers.id"
        ).fetchall()
        for row, digest, name, plain, keys, lo, hi, failed in rows:
            if which and which != name and not digest.hex().startswith(which):
                continue
            items = pickle.loads(keys)[lo:hi]
            without = set(json.loads(failed)) if failed else ()
            values, error = _values(self._connection, row)
            single = len(items) == 1 and items[0] == digest
            for number, item in enumerate(items):
                if number in without:
                    continue
                value = values if single or error else values[number]
                yield KeptResult(digest.hex(), name, item if plain else _shown(item), value, error)


def _values(connection: Connection, row: int) -> tuple[Any, str]:
    try:
        return unpack(*packed(connection, row)), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def _shown(item: Any) -> Any:
    return f"#{item.hex()}" if isinstance(item, bytes) else item
