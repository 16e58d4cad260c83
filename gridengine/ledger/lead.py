"""How far ahead of what they run workers are given work, by what a message and its answer take."""

from __future__ import annotations

from ..settings import AHEAD_SECONDS, BLOCK_SECONDS, OVERDUE


class Lead:
    """Grows with the round trip of messages, so that no worker rests while one is on its way.

    Attributes:
        ahead: Seconds of work up to which a busy worker has its next chunk already.
        block: Seconds of work in one message.
        patience: Seconds without an answer after which a worker's unbegun work is taken back, if
            somebody is idle; twice as many after each time that it had nothing to give back.
        overdue: Seconds without a word after which what a worker was given ahead is taken back.
        times: How many times as much there has to be ahead, as where messages take no time.
    """

    __slots__ = ("ahead", "block", "overdue", "patience", "times")

    def __init__(self) -> None:
        self.allow_for(0.0)

    def allow_for(self, round_trip: float) -> None:
        """Sets all of it for messages that take so many seconds, with their answers."""
        # A worker has two messages at most: what is in them lasts for twice as long as it takes
        # until the next one is there.
        self.block = max(BLOCK_SECONDS, round_trip)
        self.times = self.block / BLOCK_SECONDS
        self.ahead = max(AHEAD_SECONDS, 2 * round_trip)
        self.patience = max(2 * BLOCK_SECONDS, 4 * round_trip)
        self.overdue = max(OVERDUE, 4 * round_trip)
