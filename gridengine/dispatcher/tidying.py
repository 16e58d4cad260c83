"""What a dispatcher does from time to time: memory that nobody needs is given back, above all."""

from __future__ import annotations

from collections.abc import Callable

from .. import nesting
from .handlers import Handlers
from .order_execution import OrderExecution
from .task_messages import TaskMessages

#: Seconds after which a worker that rests learns what of its memory it may use again.
_RELEASE_SECONDS = 0.5


class Tidying:
    """Gives memory back from time to time; in a job, says that it has jobs of its own.

    Args:
        heartbeat: Seconds between two looks at what packed functions take.
        task_messages: Has those.
        execution: Tells workers what they may use again.
        handlers: Looks who may come to the port.
        busy: Tells whether there is anything to do.
    """

    def __init__(
        self,
        heartbeat: float,
        task_messages: TaskMessages,
        execution: OrderExecution,
        handlers: Handlers,
        busy: Callable[[], bool],
    ) -> None:
        self._heartbeat = heartbeat
        self._task_messages = task_messages
        self._execution = execution
        self._handlers = handlers
        self._busy = busy
        self._tidied = self._released = 0.0

    def tidy(self, now: float) -> None:
        """Does it, if it is time."""
        if now >= self._tidied:
            self._tidied = now + self._heartbeat
            self._task_messages.trim()
        if now >= self._released:
            self._released = now + min(_RELEASE_SECONDS, self._heartbeat)
            self._execution.say_released()
            self._handlers.look_at_the_door()
            if nesting.note_jobs is not None and self._busy():
                nesting.note_jobs(now)
