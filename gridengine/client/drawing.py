"""Items drawn from an iterator that may be slow, and without an end."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from typing import Any

from ..settings import BLOCK_SECONDS


def drawn(items: Iterator[Any], count: int, *, patient: bool) -> tuple[list[Any], bool]:
    """Returns the next items, and whether there were no more.

    Args:
        items: Where they come from.
        count: How many are wanted, at most.
        patient: Whether all of them are waited for, be they slow to come.
    """
    # In growing steps: where items are slow to come, what is there does not wait for them.
    enough = math.inf if patient else time.monotonic() + BLOCK_SECONDS
    got: list[Any] = []
    step = 1
    while len(got) < count:
        step = min(step, count - len(got))
        some = list(itertools.islice(items, step))
        got += some
        if len(some) < step:
            return got, True
        if time.monotonic() > enough:
            break
        step *= 2
    return got, False
