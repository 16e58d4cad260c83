"""The items of a map to frames and back: all at once where nothing can go wrong, else one by one.

One that cannot be rebuilt, or that kills who tries to, shall be the affair of its own call.
"""

from __future__ import annotations

import collections
import itertools
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..settings import OUT_OF_BAND
from .packed import Frame, Packed
from .serializer import (
    PLAIN,
    Parts,
    Pickler,
    is_small,
    joined,
    keep_large,
    pack,
    unpack,
)

_PLAIN_KINDS: Callable[[Iterable[type]], bool] = PLAIN.issuperset
_NUMBERS = frozenset({int, float, bool, type(None)})

_IMMUTABLE = PLAIN | {tuple, frozenset}

#: So many small items are packed in less time than it takes to make a pickler.
_FEW = 8


def pack_together(items: Sequence[Any]) -> Packed | None:
    """Returns items packed all at once, for `unpack`; None if that is not for them.

    It is for numbers, text, tuples of these and of such tuples, and flat lists and dictionaries,
    with which nothing can go wrong; each mutable one only once among them, for two calls shall not
    get the same object.
    """
    if type(items) is range and len(items) > _FEW:
        return pickle.dumps(items, 5), ()
    if len(items) <= _FEW and all(map(is_small, items)):
        # Also of a range: its name is longer than so many numbers.
        return pickle.dumps(list(items), 5), ()
    kind = type(items[0])
    if kind in _NUMBERS:
        packed = _pack_numbers(items)
        if packed is not None:
            return packed
    elif kind is tuple:
        return _pack_tuples(items)
    return pack(items) if are_plain(items) else None


# To look at the type of each takes longer than to pack them. The pickler asks about what is none
# of its own types, of which some can be changed: lists, dictionaries, sets, bytearrays.


def _pack_numbers(items: Sequence[Any]) -> Packed | None:
    out = Parts()
    pickler = _RefusingPickler(out, 5)
    try:
        pickler.dump(items)
    except Exception:
        # One that cannot travel is for `pack_each` to name.
        return None
    # It remembers all but numbers: here only ``items`` itself.
    return joined(out.parts, []) if len(pickler.memo.copy()) == 1 else None


def _pack_tuples(items: Sequence[Any]) -> Packed | None:
    # Mostly the first one tells, before all are packed.
    if not _IMMUTABLE.issuperset(map(type, items[0])):
        return None
    out = Parts()
    try:
        _RefusingPickler(out, 5, buffer_callback=_refuse).dump(items)
        # What can be changed has no hash. Not asked earlier: that of a class of the user's runs
        # its code, and that of a tuple within ten thousand others overflows the stack.
        collections.deque(map(hash, items), maxlen=0)
    except Exception:
        return None
    return joined(out.parts, [])


def _refuse(obj: object) -> Any:
    if obj is complex or type(obj) is complex:
        return NotImplemented
    raise TypeError("none of the pickler's own types")


class _RefusingPickler(pickle.Pickler):
    reducer_override: Any = staticmethod(_refuse)


def are_plain(items: Sequence[Any]) -> bool:
    """Tells whether to pack items calls no code of theirs, nor of others; there must be some."""
    kinds = list(map(type, items))
    kind = kinds[0]
    # Mostly they are all of one; to count takes half as long as to look up each.
    if kinds.count(kind) < len(kinds):
        return _PLAIN_KINDS(kinds)
    if kind not in (list, dict):
        return kind in PLAIN or _is_number_of_numpy(kind)
    if len(set(map(id, items))) < len(items):
        return False
    inner = items if kind is list else _flat(map(dict.items, items))
    return _PLAIN_KINDS(map(type, _flat(inner)))


_flat = itertools.chain.from_iterable


def _is_number_of_numpy(kind: type) -> bool:
    # By its module: a class of the user's that is derived from one may rebuild itself as it likes.
    if kind.__module__ != "numpy":
        return False
    numpy = sys.modules["numpy"]
    return issubclass(kind, (numpy.number, numpy.bool_))


def pack_each(items: Iterable[object], what: Callable[[int], str]) -> Packed:
    """Returns items ready to travel, each packed by itself; for `unpack_each`.

    Args:
        items: Anything.
        what: How an error shall call an item, by its number in ``items``.

    Raises:
        PackingError: One of them cannot travel; the message says what and where.
    """
    items = list(items)
    try:
        each = _dump_each(items)
    except Exception:
        # One of them needs more than that, or cannot travel at all.
        each = [pack(item, what(number)) for number, item in enumerate(items)]
    frames = [frame for _, own in each for frame in own]
    counts = [len(own) for _, own in each] if frames else []
    payload, large = pack(([payload for payload, _ in each], counts))
    return payload, [*large, *frames]


def _dump_each(items: list[object]) -> list[Packed]:
    frames: list[Frame] = []
    out = Parts()
    keep = keep_large(frames)
    # One for many: to make one takes longer than what it does with a small object.
    pickler = Pickler(out, 5, buffer_callback=keep)
    each: list[Packed] = []
    for item in items:
        pickler.dump(item)
        pickler.clear_memo()
        parts = out.parts
        if frames or len(parts) > 1 or len(parts[0]) > OUT_OF_BAND:
            each.append(joined(parts, frames))
            frames.clear()
            # Its table of what it has seen never shrinks, and is cleared for every item.
            pickler = Pickler(out, 5, buffer_callback=keep)
        else:
            each.append((parts[0], ()))
        parts.clear()
    return each


def unpack_each(payload: Frame, frames: Sequence[Frame]) -> Each:
    """Returns what `pack_each` was given, to be unpacked one by one.

    Raises:
        Exception: It cannot be read; not what an item raises.
    """
    payloads, counts = unpack(payload, frames)
    return Each(payloads, counts, frames if payload else frames[1:])


class Each:
    """Objects that were packed each by itself, and are unpacked just before they are needed."""

    def __init__(
        self, payloads: Sequence[bytes], counts: Sequence[int], frames: Sequence[Frame]
    ) -> None:
        self._payloads = payloads
        self._frames = frames
        self._ends = list(itertools.accumulate(counts))

    def __getitem__(self, part: slice) -> Iterable[Any]:
        """Returns the objects of a part, unpacked one after the other."""
        if not self._ends:
            return map(pickle.loads, self._payloads[part])
        ends = self._ends[part]
        begins = [self._ends[part.start - 1] if part.start else 0, *ends]
        return (
            unpack(payload, self._frames[begin:end])
            for payload, begin, end in zip(self._payloads[part], begins, ends)  # noqa: B905
        )
