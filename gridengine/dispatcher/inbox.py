"""What other threads ask of the dispatcher's, in the order in which it is done."""

from __future__ import annotations

import collections
import time

from ..logs import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ledger.dispatcher_state import DispatcherState
    from ..ledger.events import DispatcherEvent
    from ..ledger.observers import Observer, Observers
    from ..ledger.task import Task

log = Log(__name__)


class Inbox:
    """Filled by any thread, emptied by the dispatcher's.

    Attributes:
        tasks: Those that were submitted.
        requests: What shall be called.
        observers: Who shall hear of events.
        unwanted: Tasks that are taken back together, and the signal that ends those that run.
    """

    def __init__(self) -> None:
        self.tasks: collections.deque[Task] = collections.deque()
        self.requests: collections.deque[Callable[[], None]] = collections.deque()
        self.observers: collections.deque[Observer] = collections.deque()
        self.unwanted: collections.deque[tuple[list[Task], int]] = collections.deque()

    def __bool__(self) -> bool:
        return bool(self.tasks or self.unwanted or self.requests or self.observers)

    def empty_into(self, state: DispatcherState) -> None:
        """Tells the state what has been asked for so far."""
        while self.observers:
            state.observe(self.observers.popleft(), time.monotonic())
        # What is asked may be about a task that was submitted before it was asked.
        requests, unwanted = len(self.requests), len(self.unwanted)
        if self.tasks:
            state.ledger.submit(*[self.tasks.popleft() for _ in range(len(self.tasks))])
        if unwanted:
            self._take_back(state, unwanted)
        for _ in range(requests):
            self.requests.popleft()()

    def _take_back(self, state: DispatcherState, count: int) -> None:
        # All at once: to look who holds each would take the square of their number.
        by_signal: dict[int, list[Task]] = {}
        for _ in range(count):
            tasks, signum = self.unwanted.popleft()
            by_signal.setdefault(signum, []).extend(tasks)
        for signum, tasks in by_signal.items():
            state.cancellation.kill(tasks, signum)


def guarded(observer: Observer, observers: Observers) -> Observer:
    """Returns an observer that is asked no more once it has raised; the log says so."""

    def ask(event: DispatcherEvent) -> None:
        try:
            observer(event)
        except Exception:
            log.exception("the observer %r has failed, and hears no more", observer)
            observers.remove(ask)

    return ask
