"""The last turns of a dispatcher: jobs get to clear up, and queue jobs to end by themselves."""

from __future__ import annotations

import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import JobCancelled
    from ..ledger.dispatcher_state import DispatcherState
    from .order_execution import OrderExecution

#: Seconds that the word of a job's end gets to come from its node.
_LAST_WORDS = 1.0

#: Seconds that queue jobs get to end by themselves before they are deleted: a batch system notes
#: one that was deleted as failed.
_DEPARTURES = 5.0


class Shutdown:
    """Lets go of what a dispatcher has at work.

    Args:
        state: What is there.
        execution: Does what is ordered.
        turn: Takes the dispatcher one step further; returns after half a second at the latest.
        hurried: Tells whether nothing is to be waited for any more.
    """

    def __init__(
        self,
        state: DispatcherState,
        execution: OrderExecution,
        turn: Callable[[], None],
        hurried: Callable[[], bool],
    ) -> None:
        self._state = state
        self._execution = execution
        self._turn = turn
        self._hurried = hurried

    def end_jobs(self, grace: float, error: JobCancelled) -> None:
        """Asks jobs that run to end, and waits for that; those that wait end with ``error``.

        Args:
            grace: Seconds that they get, after which their supervisors kill them.
            error: What to say to who asks for the others.
        """
        if grace:
            self._state.cancellation.end_all(signal.SIGTERM, error)
            self._turn_while(self._state.busy, grace + _LAST_WORDS)
        self._turn_while(self._execution.output_is_incomplete, _LAST_WORDS)
        # What has been given back, and what is kept for the dead.
        self._state.cancellation.end_given_back()
        self._execution.execute()

    def wait_for_queue_jobs(self) -> None:
        """Lets queue jobs end by themselves, also those that arrive meanwhile."""
        self._turn_while(self._dismiss, _DEPARTURES)

    def _dismiss(self) -> bool:
        """Tells supervisors to stop; False if all queue jobs that had one are over."""
        self._execution.say_goodbye()
        return self._state.staffing.staffed()

    def _turn_while(self, unfinished: Callable[[], object], patience: float) -> None:
        end = time.monotonic() + patience
        while unfinished() and time.monotonic() < end and not self._hurried():
            self._turn()
