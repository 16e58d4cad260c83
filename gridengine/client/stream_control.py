"""What other threads may do to a map's stream while one thread draws from it."""

from __future__ import annotations

import abc
import queue
from collections.abc import Iterator
from typing import Any, TypeAlias

from ..ledger.task import Outcome, Task

Answer: TypeAlias = "tuple[Task, Outcome | list[Any] | None, bool]"
"""Of a task: that some of its calls are answered for, or that it is over, or both.

Of one whose calls need not be made the values themselves.
"""


class StreamControl:
    """Ends a stream from outside, and has it look again at where its items come from.

    A generator cannot be closed by another thread than the one that is in it.

    Attributes:
        answered: Where the stream waits: for answers, or None, for another look.
        stopped: Whether the stream is to end, and take back what is not done.
    """

    def __init__(self) -> None:
        self.answered: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self.stopped = False

    def stop(self) -> None:
        """Has the stream end as soon as it waits, or has done what it is at. Never blocks."""
        self.stopped = True
        self.look_again()

    def look_again(self) -> None:
        """Has the stream look whether more items are there. Never blocks."""
        self.answered.put(None)


class Arrived(Iterator[Any]):
    """Those that are there.

    Attributes:
        waits: Whether it has ended since nothing was there, and will go on. Not to be asked of
            `Arriving` later: something may have come meanwhile, which would make this the end.
    """

    waits = False


class Arriving(abc.ABC):
    """Items that come by themselves, at any time: a stream does not wait for them alone."""

    @abc.abstractmethod
    def pending(self) -> bool:
        """Tells whether nothing is there now, but something may come; asks for it, then.

        When it has come, `StreamControl.look_again` is called.
        """

    @abc.abstractmethod
    def arrived(self) -> Arrived:
        """Returns an iterator that ends where nothing is there, and goes on when something is."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """Returns an iterator that waits for them."""
