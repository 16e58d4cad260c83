"""What another thread asks of the dispatcher's, and waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def answer(
    ask: Callable[[Callable[[], None]], None], look: Callable[[], T], closed: Callable[[], bool]
) -> T | None:
    """Returns what ``look`` returns in the dispatcher's thread, None if that closes meanwhile.

    Args:
        ask: Has something called in the dispatcher's thread.
        look: What is called there.
        closed: Whether it takes no more.
    """
    found: list[T] = []
    answered = threading.Event()

    def answer_it() -> None:
        found.append(look())
        answered.set()

    ask(answer_it)
    while not answered.wait(0.1):
        if closed():
            break
    return found[0] if found else None
