"""Digests of calls are the same in each run of a program, and others where something is other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gridengine.serialization.digests import Digests

ROOT = Path(__file__).parents[2]

#: Things with all that is in another order, or of another identity, from run to run.
PROGRAM = """
import dataclasses, enum, functools, threading
import numpy as np
from gridengine.serialization.digests import Digests

lock = threading.Lock()
NAMES = {"a", "b", "c", "d"}

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

@dataclasses.dataclass
class Point:
    x: int
    tags: frozenset = frozenset({"p", "q", "r"})
    def norm(self):
        with lock:
            return self.x in {"u", "v", "w"}

def ping(n):
    return pong(n - 1) if n else 0

def pong(n):
    return ping(n - 1) if n else NAMES

def outer(k):
    return lambda x: (x + k + len(NAMES), Colour.RED, Point(1), np.sum)

loop = [1]
loop.append(loop)
things = [
    lambda x: x in {"q", "r", "s"}, ping, pong, outer(3), functools.partial(ping, k={"z", "y"}),
    Point(1).norm, Point(1), Point, Colour.BLUE, np.arange(10.0), {"k": [{1, 2}, {"s", "t"}]}, loop,
]
print([Digests().of(thing).hex() for thing in things])
"""


def test_they_are_the_same_whatever_texts_hash_to() -> None:
    def run(seed: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    first = run(0)
    assert len(set(eval(first))) == 12
    assert first == run(1) == run(2)


def test_whether_two_equal_texts_are_one_object_does_not_count() -> None:
    one, other = "".join(["a", "b"]), "".join(["a", "b"])
    assert Digests().of([one, one]) == Digests().of([one, other])


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0.0, -0.0), ("a", b"a"), ((1,), [1]), ({1}, frozenset({1})), ((), None)],
)
def test_what_is_equal_and_of_another_kind_is_another(one: object, other: object) -> None:
    assert Digests().of(one) != Digests().of(other)
    assert Digests().keys([one]) != Digests().keys([other]) or type(one) is not type(other)
    keys = {Digests().keys([one])[0], Digests().keys([other])[0]}
    assert len(keys) == 2
