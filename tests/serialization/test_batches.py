"""How the items of a map travel: together, or each by itself."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from gridengine.errors import PackingError
from gridengine.serialization.batches import Each, pack_each, pack_together, unpack_each
from gridengine.serialization.serializer import unpack
from gridengine.settings import OUT_OF_BAND
from gridengine.transport.shared_memory import gather


class _Whole(int):
    pass


class _Half(np.float64):
    pass


class _Pair(NamedTuple):
    first: int
    second: int


class _RunsWhenHashed:
    hashed = 0

    def __hash__(self) -> int:
        type(self).hashed += 1
        return 1


_SHARED_LIST = [1]
TOGETHER = {
    "a range": range(3),
    "numbers": [1, 2.5, True, None],
    "text": ["a", "b", b"c"],
    "complex numbers": [1j, 2],
    "flat tuples": [(1, "a"), (2.0, None), (1j, b"c")],
    "nested tuples": [(1, (2, ("a", frozenset([3]))))],
    "many tuples": [(number, "text") for number in range(20)],
    "flat lists": [[1], ["a", 2]],
    "flat dictionaries": [{"a": 1}, {2: "b"}],
    "numbers of numpy": list(np.arange(3)),
    "a tuple of numbers": (1, 2),
}
APART = {
    "numbers of a class": [1, _Whole(2)],
    "lists among numbers": [1, [2]],
    "numbers of a class of numpy's": [_Half(1), _Half(2)],
    "tuples with lists": [(1, [2])],
    "a tuple with a list among others": [(1, 2), (1, [2])],
    "a tuple with a list in a tuple": [(1, ([2],))],
    "a tuple with a dictionary": [(1, 2), (1, {})],
    "a tuple with a set": [(1, 2), (1, ({1},))],
    "a tuple with a bytearray": [(1, 2), (1, bytearray(b"a"))],
    "a tuple with a buffer": [(1, 2), (1, pickle.PickleBuffer(bytearray(b"a")))],
    "a list among tuples": [(1, 2), [3]],
    "tuples with functions": [(1, len), (2, len)],
    "tuples with classes": [(1, int), (2, int)],
    "a tuple with a number of a class": [(1, 2), (1, _Whole(2))],
    "a tuple with a number of numpy": [(1, 2), (1, np.float64(2))],
    "tuples of a class": [_Pair(1, 2), _Pair(3, 4)],
    "a tuple of a class among tuples": [(1, 2), _Pair(3, 4)],
    "a tuple with arrays": [(1, 2), (1, np.zeros(3))],
    "the same list twice": [_SHARED_LIST, _SHARED_LIST],
    "exceptions": [ValueError("x"), ValueError("y")],
    "functions": [len, len],
    "arrays": [np.zeros(3), np.zeros(3)],
}


@pytest.mark.parametrize("items", TOGETHER.values(), ids=TOGETHER)
def test_what_cannot_go_wrong_is_packed_together(items: Any) -> None:
    packed = pack_together(items)
    assert packed is not None
    got = unpack(*packed)
    assert list(got) == list(items)
    assert list(map(type, got)) == list(map(type, items))


@pytest.mark.parametrize("items", APART.values(), ids=APART)
def test_other_items_are_packed_each_by_itself(items: Any) -> None:
    assert pack_together(items) is None


def test_no_code_of_a_class_is_run_to_see_whether_tuples_go_together() -> None:
    assert pack_together([(1, 2), (1, (_RunsWhenHashed(),))]) is None
    assert pack_together([(_RunsWhenHashed(), 1)]) is None
    assert 0 == _RunsWhenHashed.hashed


def test_tuples_that_are_nested_too_deeply_go_apart() -> None:
    deep: tuple[Any, ...] = ()
    for _ in range(100_000):
        deep = (deep,)
    assert pack_together([(1, 2), deep]) is None
    with pytest.raises(PackingError, match="item 1"):
        pack_each([(1, 2), deep], "item {}".format)


def test_large_text_in_tuples_is_sent_once() -> None:
    text = "x" * (2 * OUT_OF_BAND)
    packed = pack_together([(number, text) for number in range(9)])
    assert packed is not None
    payload, frames = packed
    assert len(payload) + sum(frame.nbytes for frame in frames) < 1.1 * len(text)
    got = unpack(payload, gather(frames))
    assert [(number, text) for number in range(9)] == got


def _each(items: Sequence[Any]) -> Each:
    payload, frames = pack_each(items, "item {}".format)
    return unpack_each(payload, gather(frames))


def test_large_and_small_items_come_back_in_any_part() -> None:
    big = OUT_OF_BAND + 1
    items: list[Any] = [
        "a", np.arange(big, dtype=np.uint8), [1, 2], bytes(big), np.zeros(3), "x" * (3 * big), None,
        {"two": (np.ones(big), np.zeros(big))}, lambda: 1,
    ]  # fmt: skip
    each = _each(items)
    for begin in range(len(items)):
        for end in range(begin, len(items) + 1):
            got = list(each[begin:end])
            assert list(map(type, got)) == list(map(type, items[begin:end]))
            for new, old in zip(got, items[begin:end], strict=True):
                assert callable(old) or pickle.dumps(new) == pickle.dumps(old)


def test_the_same_object_in_two_items_becomes_two() -> None:
    one, other = _each([_SHARED_LIST, _SHARED_LIST])[0:2]
    assert one == other == _SHARED_LIST
    assert one is not other


def test_an_item_that_cannot_travel_is_named() -> None:
    with pytest.raises(PackingError, match="item 1"):
        pack_each(["a", threading.Lock(), "b"], "item {}".format)


def test_one_that_is_nested_too_deeply_is_named_among_numbers() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert pack_together([1, deep]) is None
    with pytest.raises(PackingError, match="item 1"):
        pack_each([1, deep], "item {}".format)


class _ExplodesThere:
    def __reduce__(self) -> Any:
        return int, ("no number",)


def test_an_item_that_cannot_be_rebuilt_harms_no_other() -> None:
    each = _each(["a", _ExplodesThere(), "b"])
    assert list(each[0:1]) == ["a"]
    with pytest.raises(ValueError, match="no number"):
        list(each[1:2])
    assert list(each[2:3]) == ["b"]
