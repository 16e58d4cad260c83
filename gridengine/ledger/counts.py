"""How much a dispatcher has done."""

from __future__ import annotations


class Counts:
    """What a dispatcher has done so far.

    Attributes:
        done: Calls that have an answer, be it that they have failed.
        failed: Those of them that have failed for good.
        retried: Calls that were tried again, each time counted.
    """

    __slots__ = ("done", "failed", "retried")

    def __init__(self) -> None:
        self.done = self.failed = self.retried = 0
