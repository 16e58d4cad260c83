"""How much a dispatcher has done."""

from __future__ import annotations


class Counts:
    """What a dispatcher has done so far.

    Attributes:
        done: Calls that have an answer, be it that they have failed.
        failed: Those of them that have failed for good.
    """

    __slots__ = ("done", "failed")

    def __init__(self) -> None:
        self.done = self.failed = 0
