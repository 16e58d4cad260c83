"""Digests of calls: equal in another run of the program if what is called with what is the same.

A pickle does not serve for that: it says which of two equal texts are one object, has the elements
of a set in the order of their hashes, and of a function the name alone, or its whole code with the
numbers of its lines. So there is a pickler that remembers nothing, sorts sets, and puts in the
place of each function and class what it is made of, see `definitions`.
"""

from __future__ import annotations

import hashlib
import pickle
import types
from collections.abc import Iterable, Sequence
from typing import Any

from . import by_value, definitions
from .by_value import importable
from .serializer import PLAIN, Parts

#: Bytes of a digest: two of a million items are the same with a chance of 1 to 10^26.
SIZE = 16

#: Items that stand for themselves: equal ones are the same, and no digest equals one.
_THEMSELVES = frozenset({int, str})

_ATOMS = PLAIN - _THEMSELVES


class Digests:
    """Makes the digests of one map; what it has found of functions and classes it remembers.

    Args:
        code: Whether code counts. If not, functions and classes of one name are the same, but for
            what is bound to them: arguments of partials, variables of closures, attributes.
    """

    def __init__(self, *, code: bool = True) -> None:
        self._known = definitions.Known(code=code)
        self._parts = Parts()
        self._plain = pickle.Pickler(self._parts, 5)
        self._plain.fast = True
        # Of what the digests were made so far, in bytes.
        self.seen = 0

    def of(self, obj: object) -> bytes:
        """Returns the digest of an object.

        Raises:
            Exception: What its own code raises while it is packed, or that it cannot be.
        """
        out = _Digest()
        try:
            pickler = _Pickler(out, self._known, {})
            pickler.fast = True
            pickler.dump(obj)
        except (ValueError, RecursionError):
            # It is in itself: a pickler that remembers comes to an end.
            out = _Digest()
            _Pickler(out, self._known, {}).dump(obj)
        self.seen += out.size
        return out.digest()

    def keys(self, items: Sequence[Any]) -> Sequence[Any]:
        """Returns what each item is known by: itself if that can be, else its digest.

        Raises:
            Exception: As `of`.
        """
        if type(items) is range or _THEMSELVES.issuperset(map(type, items)):
            return items
        return [item if type(item) in _THEMSELVES else self._key(item) for item in items]

    def _key(self, item: Any) -> bytes:
        kind = type(item)
        if kind in _ATOMS or (kind is tuple and PLAIN.issuperset(map(type, item))):
            # A pickler that remembers nothing may be used for many.
            self._plain.dump(item)
            packed = b"".join(self._parts.parts)
            self._parts.parts.clear()
            self.seen += len(packed)
            # One of another length than a digest is none.
            return (
                packed if len(packed) < SIZE else hashlib.blake2b(packed, digest_size=SIZE).digest()
            )
        return self.of(item)


class _Digest:
    """A file that keeps the digest of what is written to it."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=SIZE)
        self.digest = self._hash.digest
        self.size = 0

    def write(self, data: Any) -> None:
        self._hash.update(data)
        self.size += memoryview(data).nbytes


class _Pickler(pickle.Pickler):
    """Packs what stands for an object.

    Args:
        out: Where to.
        known: What was found of functions and classes so far.
        entered: Those within which this is, by their ids; each is described once.
    """

    def __init__(self, out: Any, known: definitions.Known, entered: dict[int, int]) -> None:
        super().__init__(out, 5)
        self._known = known
        self._entered = entered

    def reducer_override(self, obj: Any) -> Any:
        """Returns what is packed of what a pickler alone cannot pack.

        Functions and classes come to `persistent_id` before.
        """
        if isinstance(getattr(obj, "__wrapped__", None), types.FunctionType) and importable(obj):
            # A pickle has the name alone of a function with a cache.
            named = definitions.named(obj, self._known)
            return by_value.reduce(obj) if named is None else (tuple, (named,))
        return by_value.reduce(obj)

    def persistent_id(self, obj: Any) -> Any:
        """Returns what is packed in the place of an object; None for the object itself."""
        kind = type(obj)
        if kind is set or kind is frozenset:
            return kind.__name__, sorted(map(self._digest, obj))
        if kind in definitions.PARTS:
            return definitions.PARTS[kind](obj)
        if not isinstance(obj, definitions.KINDS):
            return None
        return self._definition(obj)

    def _definition(self, obj: Any) -> Any:
        number = self._entered.get(id(obj))
        if number is not None:
            return "again", number
        if self._entered:
            return self._described(obj)
        # Of each the same wherever it comes up, so it can be kept.
        found = self._known.digests.get(id(obj))
        if found is None:
            described = self._described(obj)
            # Nothing for those of which the name says all.
            found = obj, b"" if described is None else self._digest(described)
            self._known.digests[id(obj)] = found
            self._entered.clear()
        return ("definition", found[1]) if found[1] else None

    def _described(self, obj: Any) -> Any:
        return definitions.described(obj, self._known, self._enter, self._part)

    def _enter(self, obj: Any) -> None:
        self._entered[id(obj)] = len(self._entered)

    def _digest(self, obj: Any) -> bytes:
        out = _Digest()
        try:
            pickler = _Pickler(out, self._known, self._entered)
            pickler.fast = True
            pickler.dump(obj)
        except (ValueError, RecursionError):
            out = _Digest()
            _Pickler(out, self._known, self._entered).dump(obj)
        return out.digest()

    def _part(self, obj: Any) -> bytes:
        """Returns the digest of what a function or class uses; of what cannot be packed, its kind.

        Those are locks, open files, loggers: what a call is given of them in a worker is new.
        """
        try:
            return self._digest(obj)
        except Exception:
            kind = type(obj)
            return f"{kind.__module__}.{kind.__qualname__}".encode()


def joined(parts: Iterable[object]) -> bytes:
    """Returns one digest of some plain values."""
    out = _Digest()
    out.write(repr(tuple(parts)).encode())
    return out.digest()
