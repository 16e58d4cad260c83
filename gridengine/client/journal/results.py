"""What a journal has of one function: which calls, and their values when they are asked for."""

from __future__ import annotations

import bisect
import collections
import itertools
import json
import pickle
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...logs import Log
from ...serialization.digests import Digests
from ...serialization.serializer import unpack

if TYPE_CHECKING:
    import sqlite3
    import threading

log = Log(__name__)

#: Answers whose values stay unpacked while calls of them are asked for.
_UNPACKED = 8

_MISSING = object()


class _Answers:
    """Where the values of all answers are, each by a number from 0 on."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._begins: list[int] = []
        self.count = 0

    def add(self, row: int, calls: int) -> int:
        """Returns the number of the first of an answer's values."""
        begin = self.count
        self._rows.append(row)
        self._begins.append(begin)
        self.count += calls
        return begin

    def parts(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yields where the values of some neighbouring numbers are: rows, and parts of these."""
        at = bisect.bisect_right(self._begins, begin) - 1
        while begin < end:
            first = self._begins[at]
            after = self._begins[at + 1] if at + 1 < len(self._begins) else self.count
            yield self._rows[at], begin - first, min(end, after) - first
            begin = after
            at += 1


class Results:
    """The results of one function.

    Each value answers one call of a map: of calls that are alike, as many as there are values.

    Args:
        connection: To the journal.
        lock: Held by who uses that; by who makes this, too.
        scope: The digest of what is called.
        numbered: Whether a call is another one under another number, as those with a seed are.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: threading.Lock,
        scope: bytes,
        *,
        numbered: bool,
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._numbered = numbered
        self._answers = _Answers()
        # The number of a value by what its call is known by; and of further ones of equal calls.
        self._numbers: dict[Any, int] = {}
        self._more: dict[Any, collections.deque[int]] = {}
        self._unpacked: collections.OrderedDict[int, Any] = collections.OrderedDict()
        self._load(scope)

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def _load(self, scope: bytes) -> None:
        digests = Digests()
        chunks = self._connection.execute(
            "SELECT chunks.id, first, plain, keys FROM chunks JOIN scopes ON scope = scopes.id"
            " WHERE digest = ? ORDER BY chunks.id",
            (scope,),
        )
        for chunk, first, plain, packed_keys in chunks.fetchall():
            keys: Sequence[Any] = pickle.loads(packed_keys)
            if plain:
                keys = digests.keys(keys)
            if self._numbered:
                keys = list(enumerate(keys, first))
            answers = self._connection.execute(
                "SELECT id, lo, hi, failed FROM answers WHERE chunk = ? ORDER BY id", (chunk,)
            )
            for row, lo, hi, failed in answers.fetchall():
                without = set(json.loads(failed)) if failed else ()
                self._note(row, keys[lo:hi], without)

    def _note(self, row: int, keys: Sequence[Any], without: Collection[int]) -> None:
        begin = self._answers.add(row, len(keys))
        noted = dict(zip(keys, range(begin, self._answers.count), strict=True))
        if not without and len(noted) == len(keys) and self._numbers.keys().isdisjoint(noted):
            self._numbers |= noted
            return
        for number, key in enumerate(keys, begin):
            if number - begin in without:
                continue
            if self._numbers.setdefault(key, number) != number:
                self._more.setdefault(key, collections.deque()).append(number)

    def split(self, keys: Sequence[Any], first: int) -> Iterator[tuple[int, int, Any]]:
        """Yields runs of neighbouring calls: where each begins and ends, and the values, if known.

        Args:
            keys: What the calls are known by.
            first: The number of the first.
        """
        if self._numbered:
            keys = list(enumerate(keys, first))
        take = self._take_one if self._more else self._numbers.pop
        numbers = list(map(take, keys, itertools.repeat(None)))
        begin = 0
        while begin < len(numbers):
            end = _end_of_run(numbers, begin)
            number = numbers[begin]
            values = None if number is None else self._values(number, number + end - begin)
            yield begin, end, values
            begin = end

    def _take_one(self, key: Any, _: None) -> int | None:
        number = self._numbers.pop(key, None)
        further = self._more.get(key)
        if further:
            self._numbers[key] = further.popleft()
        return number

    def _values(self, begin: int, end: int) -> list[Any] | None:
        """Returns some neighbouring values, None if they cannot be rebuilt here."""
        values: list[Any] = []
        for row, lo, hi in self._answers.parts(begin, end):
            found = self._unpacked_values(row)
            if found is None or hi > len(found):
                return None
            values += found[lo:hi]
        return values

    def _unpacked_values(self, row: int) -> Any:
        found = self._unpacked.get(row, _MISSING)
        if found is _MISSING:
            try:
                with self._lock:
                    payload, frames = packed(self._connection, row)
                found = unpack(payload, frames)
            except Exception as error:
                log.warning(
                    "results in the journal cannot be rebuilt, and are made anew: %s", error
                )
                found = None
            self._unpacked[row] = found
            if len(self._unpacked) > _UNPACKED:
                self._unpacked.popitem(last=False)
        return found


def _end_of_run(numbers: Sequence[int | None], begin: int) -> int:
    """Returns the end of calls that are all unknown, or whose values are neighbours."""
    number = numbers[begin]
    if number is not None:
        whole = range(number, number + len(numbers) - begin)
        if numbers[-1] == whole[-1] and numbers[begin:] == list(whole):
            return len(numbers)
    for at in range(begin + 1, len(numbers)):
        if numbers[at] != (None if number is None else number + at - begin):
            return at
    return len(numbers)


def packed(connection: sqlite3.Connection, row: int) -> tuple[bytes, list[bytes]]:
    """Returns the payload and the frames of an answer."""
    payload, count = connection.execute(
        "SELECT payload, frames FROM answers WHERE id = ?", (row,)
    ).fetchone()
    parts: dict[int, list[bytes]] = {number: [] for number in range(count)}
    if count or payload is None:
        found = connection.execute(
            "SELECT frame, data FROM frames WHERE answer = ? ORDER BY frame, part", (row,)
        )
        for number, data in found:
            parts.setdefault(number, []).append(data)
    whole = {number: b"".join(each) for number, each in parts.items()}
    return whole.pop(-1, payload), list(whole.values())
