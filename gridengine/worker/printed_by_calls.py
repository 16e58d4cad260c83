"""What calls have printed, sent with their results; of short calls, once for many."""

from __future__ import annotations

import math

from ..transport.messages import Call
from ..transport.output_messages import Printed
from .outbox import Outbox
from .output import Output


class PrintedByCalls:
    """Has what calls have printed sent before it is said that they are over.

    Args:
        output: Where it is read.
        outbox: Sends it.
    """

    def __init__(self, output: Output, outbox: Outbox) -> None:
        self._output = output
        self._outbox = outbox
        # The chunk that was run last, if it is not known whether that has printed anything.
        self._unchecked: Call | None = None

    def note(self, call: Call, lo: int, hi: int, wall: float, *, over: bool) -> None:
        """Has what some calls have printed sent with their results.

        Args:
            call: The chunk that they are of.
            lo: The first.
            hi: The one behind the last.
            wall: Seconds that they have taken.
            over: Whether no more of the chunk is run.
        """
        output = self._output
        if wall > output.long or output.wrote or output.begun:
            self._unchecked = None
            if pieces := output.end(over=over):
                self._outbox.add_printed(Printed(call.task, call.attempt, lo, hi, over, pieces))
        elif over:
            self._unchecked = call

    def check(self) -> None:
        """Looks whether the short calls that were run last have printed anything."""
        call = self._unchecked
        if call is not None:
            self.note(call, call.lo, call.hi, math.inf, over=True)

    def be_quiet(self, quiet: bool) -> None:
        """Has what is printed from now on thrown away, or not."""
        if quiet is not self._output.quiet:
            self.check()
            self._output.be_quiet(quiet)
