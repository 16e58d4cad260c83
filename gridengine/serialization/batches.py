"""The items of a map to frames and back: all at once where nothing can go wrong, else one by one.

One that cannot be rebuilt, or that kills who tries to, shall be the affair of its own call.
"""

from __future__ import annotations

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
    joined,
    keep_large,
    pack,
    unpack,
)

_PLAIN_KINDS: Callable[[Iterable[type]], bool] = PLAIN.issuperset
_NUMBERS = frozenset({int, float, bool, type(None)})


def pack_together(items: Sequence[Any]) -> Packed | None:
    """Returns items packed all at once, for `unpack`; None if that is not for them.

    It is for numbers, text, and flat tuples, lists and dictionaries of these, with which nothing
    can go wrong; each mutable one only once among them, for two calls shall not get the same
    object.
    """
    if type(items) is range:
        return pickle.dumps(items, 5), ()
    if type(items[0]) in _NUMBERS:
        packed = _pack_numbers(items)
        if packed is not None:
            return packed
    return pack(items) if _are_plain(items) else None


def _pack_numbers(items: Sequence[Any]) -> Packed | None:
    # To look at the type of each takes longer than to pack them. The pickler asks about what is
    # none of its own types, and remembers all but numbers: here only ``items`` itself.
    out = Parts()
    pickler = _NumberPickler(out, 5)
    try:
        pickler.dump(items)
    except Exception:
        # One that cannot travel is for `pack_each` to name.
        return None
    return joined(out.parts, []) if len(pickler.memo.copy()) == 1 else None


def _refuse(_: object) -> Any:
    raise TypeError("no number")


class _NumberPickler(pickle.Pickler):
    reducer_override: Any = staticmethod(_refuse)


def _are_plain(items: Sequence[Any]) -> bool:
    kinds = list(map(type, items))
    kind = kinds[0]
    # Mostly they are all of one; to count takes half as long as to look up each.
    if kinds.count(kind) < len(kinds):
        return _PLAIN_KINDS(kinds)
    if kind is tuple:
        return _PLAIN_KINDS(map(type, _flat(items)))
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
