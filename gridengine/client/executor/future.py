"""The futures of an executor: those of ``concurrent.futures``, which also end what runs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import signal
import threading
from concurrent.futures import InvalidStateError
from typing import TYPE_CHECKING, TypeVar

from ...dispatcher.waiting import in_turns

T = TypeVar("T")

if TYPE_CHECKING:
    from ...dispatcher.dispatcher import Dispatcher
    from ...ledger.task import Task


class CallFuture(concurrent.futures.Future[T]):
    """A `concurrent.futures.Future` of a call that another process makes.

    `cancel` takes back what no worker has been given yet; such a call never runs. What is with a
    worker is only ended by `terminate` and `kill`, which those of other executors do not have.
    """

    #: The dispatcher that has it, and its record there: None before, and when it is over.
    _call: tuple[Dispatcher, Task] | None = None
    _unwanted = False

    def cancel(self) -> bool:
        """Takes the call back, unless a worker has it, or it is over; True if it is cancelled."""
        if not super().cancel():
            return False
        self.take_back()
        return True

    def result(self, timeout: float | None = None) -> T:
        """As of any future; Ctrl-C is always noticed meanwhile."""
        __tracebackhide__ = True  # as in `gridengine.client.map.map`
        if self._state != "FINISHED":  # `done` takes as long as the rest of this.
            in_turns(self._is_done_after, timeout)
        try:
            return super().result(0)
        finally:
            # What it raises refers to this frame, and must not keep the future.
            del self

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As of any future; Ctrl-C is always noticed meanwhile."""
        __tracebackhide__ = True
        if self._state != "FINISHED":
            in_turns(self._is_done_after, timeout)
        return super().exception(0)

    def _is_done_after(self, seconds: float) -> bool:
        __tracebackhide__ = True
        with self._condition:
            if not self.done():
                self._condition.wait(seconds)
            return self.done()

    def terminate(self) -> None:
        """Ends the call with SIGTERM, though it runs; then it is cancelled. Returns at once."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As `terminate`, with SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, signum: int) -> None:
        call = self._call
        if not self.cancel() and call is not None and not self.done():
            dispatcher, task = call
            dispatcher.cancel([task], signum)

    # ------------------------------------------------------------------ for its executor

    def take_back(self) -> None:
        """Has the dispatcher take back what was cancelled here."""
        # `handed_over` looks at the one after it has set the other.
        self._unwanted = True
        call = self._call
        if call is not None:
            dispatcher, task = call
            dispatcher.cancel([task])

    def handed_over(self, dispatcher: Dispatcher, task: Task) -> None:
        """Notes who has the call now."""
        self._call = dispatcher, task
        if self._unwanted:
            dispatcher.cancel([task])

    def begin(self) -> bool:
        """Says that a worker is about to be given the call; False if it was cancelled."""
        try:
            return self.set_running_or_notify_cancel()
        except (InvalidStateError, RuntimeError):
            # Whoever holds it has set a result meanwhile.
            return False

    def end_cancelled(self) -> None:
        """Says that the call was cancelled, whether it ran or not."""
        self._call = None
        with self._condition:
            if self._state == "RUNNING":
                # What runs cannot be cancelled, says the base; but its process is gone.
                self._state = "PENDING"
        if super().cancel() and self._state == "CANCELLED":
            self.set_running_or_notify_cancel()

    def end(self, value: T | None, error: BaseException | None) -> None:
        """Says how the call has ended, unless that is known."""
        self._call = None
        with contextlib.suppress(InvalidStateError):
            if error is not None:
                self.set_exception(error)
            else:
                self.set_result(value)  # type: ignore[arg-type]  # a T, without an error

    def forsake(self, error: BaseException) -> None:
        """To be called in a fork of the program, which will not hear how the call ends."""
        # Whoever had the old one is not there; and whom the program would call, it will.
        self._condition = threading.Condition()
        self._waiters.clear()
        self._done_callbacks.clear()  # type: ignore[attr-defined]  # the stubs have it not
        self.end(None, error)
