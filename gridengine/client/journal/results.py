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

    from .file import JournalFile

log = Log(__name__)

#: Bytes of answers, as packed, whose values stay unpacked while calls of them are asked for.
_UNPACKED_BYTES = 16 * 1024 * 1024

#: Chunks of which keys are read at once: each of the largest has some 300 KB of them.
_CHUNKS_AT_ONCE = 64

_CHUNKS = (
    "SELECT id, first, plain, keys FROM chunks"
    " WHERE scope = (SELECT id FROM scopes WHERE digest = ?) AND id > ? ORDER BY id LIMIT ?"
)
_ANSWERS = "SELECT id, lo, hi, failed, size FROM answers WHERE chunk = ? ORDER BY id"

_UNKNOWN = object()


class _Answers:
    """Where the values of all answers are, each by a number from 0 on.

    Attributes:
        count: How many values there are.
        sizes: Bytes of each answer, as packed, by its row.
        size: Of all of them.
    """

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._begins: list[int] = []
        self.count = self.size = 0
        self.sizes: dict[int, int] = {}

    def add(self, row: int, calls: int, size: int) -> int:
        """Returns the number of the first of an answer's values."""
        begin = self.count
        self._rows.append(row)
        self._begins.append(begin)
        self.count += calls
        self.sizes[row] = size
        self.size += size
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
        file: The journal.
        scope: The digest of what is called.
        numbered: Whether a call is another one under another number, as those with a seed are.

    Raises:
        UnavailableError: It is closed, or this thread is in the middle of using it.
        sqlite3.Error: It cannot be read.
    """

    def __init__(self, file: JournalFile, scope: bytes, *, numbered: bool) -> None:
        self._file = file
        self._numbered = numbered
        self._answers = _Answers()
        # The number of a value by what its call is known by; and of further ones of equal calls.
        self._numbers: dict[Any, int] = {}
        self._more: dict[Any, collections.deque[int]] = {}
        # By row, None for those that cannot be; and how many bytes those had.
        self._unpacked: collections.OrderedDict[int, Any] = collections.OrderedDict()
        self._unpacked_bytes = 0
        self._load(scope)

    def __bool__(self) -> bool:
        return bool(self._numbers)

    @property
    def count(self) -> int:
        """How many values there are."""
        return self._answers.count

    @property
    def bytes_per_value(self) -> float:
        """About how large a value is, as packed."""
        return self._answers.size / max(1, self._answers.count)

    def _load(self, scope: bytes) -> None:
        digests = Digests()
        for first, plain, packed_keys, answers in self._chunks(scope):
            keys: Sequence[Any] = pickle.loads(packed_keys)
            if plain:
                keys = digests.keys(keys)
            if self._numbered:
                keys = list(enumerate(keys, first))
            for row, lo, hi, failed, size in answers:
                begin = self._answers.add(row, hi - lo, size)
                self._note(begin, keys[lo:hi], set(json.loads(failed)) if failed else ())

    def _chunks(self, scope: bytes) -> Iterator[tuple[int, bool, bytes, list[Any]]]:
        """Yields what there is of each chunk, and of its answers.

        Some at a time, without the file in between, for which others wait.
        """
        last = 0
        while True:
            with self._file.connection() as connection:
                chunks = connection.execute(_CHUNKS, (scope, last, _CHUNKS_AT_ONCE)).fetchall()
                answers = [
                    connection.execute(_ANSWERS, (chunk,)).fetchall() for chunk, *_ in chunks
                ]
            for (_, *chunk), found in zip(chunks, answers, strict=True):
                yield *chunk, found
            if len(chunks) < _CHUNKS_AT_ONCE:
                return
            last = chunks[-1][0]

    def _note(self, begin: int, keys: Sequence[Any], without: Collection[int]) -> None:
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

        In whatever order calls come, each answer that has some of their values is unpacked once.

        Args:
            keys: What the calls are known by.
            first: The number of the first.
        """
        if self._numbered:
            keys = list(enumerate(keys, first))
        take = self._take_one if self._more else self._numbers.pop
        numbers = list(map(take, keys, itertools.repeat(None)))
        values, known = self._values(numbers)
        if known in (0, len(values)):
            yield 0, len(values), values if known else None
            return
        begin = 0
        for is_known, run in itertools.groupby(values, _is_known):
            found = list(run)
            yield begin, begin + len(found), found if is_known else None
            begin += len(found)

    def _take_one(self, key: Any, _: None) -> int | None:
        number = self._numbers.pop(key, None)
        further = self._more.get(key)
        if further:
            self._numbers[key] = further.popleft()
        return number

    def _values(self, numbers: Sequence[int | None]) -> tuple[list[Any], int]:
        """Returns the values of some numbers, and how many of them there are.

        In the place of the others, and of those that cannot be rebuilt here, is `_UNKNOWN`.
        """
        values = [_UNKNOWN] * len(numbers)
        known = 0
        for row, parts in self._parts(numbers).items():
            found = self._unpacked_values(row)
            for at, lo, hi in parts:
                if found is not None and hi <= len(found):
                    values[at : at + hi - lo] = found[lo:hi]
                    known += hi - lo
        return values, known

    def _parts(self, numbers: Sequence[int | None]) -> dict[int, list[tuple[int, int, int]]]:
        """Returns which values are in which row: where each part of them goes, and where it is."""
        rows: dict[int, list[tuple[int, int, int]]] = {}
        begin = 0
        while begin < len(numbers):
            end = _end_of_run(numbers, begin)
            number = numbers[begin]
            if number is not None:
                at = begin
                for row, lo, hi in self._answers.parts(number, number + end - begin):
                    rows.setdefault(row, []).append((at, lo, hi))
                    at += hi - lo
            begin = end
        return rows

    def _unpacked_values(self, row: int) -> Any:
        if row in self._unpacked:
            self._unpacked.move_to_end(row)
            return self._unpacked[row]
        try:
            with self._file.connection() as connection:
                payload, frames = packed(connection, row)
            found = unpack(payload, frames)
        except Exception as error:
            log.warning("results in the journal cannot be rebuilt, and are made anew: %s", error)
            found = None
        self._unpacked[row] = found
        self._unpacked_bytes += self._answers.sizes[row]
        while self._unpacked_bytes > _UNPACKED_BYTES and len(self._unpacked) > 1:
            self._unpacked_bytes -= self._answers.sizes[self._unpacked.popitem(last=False)[0]]
        return found


def _is_known(value: object) -> bool:
    return value is not _UNKNOWN


def _end_of_run(numbers: Sequence[int | None], begin: int) -> int:
    """Returns the end of calls that are all unknown, or whose values are neighbours."""
    number = numbers[begin]
    # Mostly all are; that is looked at once, for it takes as long as there are calls.
    if begin == 0 and number is not None and _are_neighbours(numbers, number):
        return len(numbers)
    for at in range(begin + 1, len(numbers)):
        if numbers[at] != (None if number is None else number + at - begin):
            return at
    return len(numbers)


def _are_neighbours(numbers: Sequence[int | None], first: int) -> bool:
    whole = range(first, first + len(numbers))
    return numbers[-1] == whole[-1] and numbers == list(whole)


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
