"""Queues for what must happen, with a limit, and a word about what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(look: Callable[[], T], *, what: str, timeout: float = 20.0) -> T:
    """Returns what ``look`` returns, as soon as it is true.

    Raises:
        AssertionError: It was not true in time; says what was seen last.
    """
    end = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout:g} s; seen last: {seen!r}")
        time.sleep(0.01)
