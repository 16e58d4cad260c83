"""One session with a batch system that is commands: a thread that submits, looks and deletes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ..errors import SchedulerError
from ..logs import Log
from .base import Session
from .command_scheduler import CommandScheduler, Submission, legal_name, script_for
from .event_queue import EventQueue
from .events import End, Ended, Event, Notice, Refused, Submitted
from .queue_watch import QueueWatch

_CLOSE = 10.0  # seconds that close() waits for queue jobs to be gone
_LAST_COMMAND = 5.0  # seconds that it waits for a command which does not answer

log = Log(__name__)


class CommandSession(Session):
    """Queue jobs of a `CommandScheduler`; all commands are run by one thread, one at a time.

    Args:
        scheduler: Knows the commands.
    """

    def __init__(self, scheduler: CommandScheduler) -> None:
        self._scheduler = scheduler
        self._events = EventQueue()
        self._watch = QueueWatch(scheduler.polls, scheduler.listed_after, self._events.say)
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._close_at: float | None = None
        self._silent = False
        self._thread = threading.Thread(
            target=self._run, name=f"gridengine-{type(scheduler).__name__}", daemon=True
        )
        self._thread.start()

    # -- the contract --------------------------------------------------------------------------

    def start(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        resources: Mapping[str, object],
        logs: str,
        avoid: Sequence[str] = (),
    ) -> None:
        scheduler = self._scheduler
        submission = Submission(
            script_for(command, scheduler.queue_job_template, logs),
            count,
            legal_name(name),
            {**scheduler.resources, **resources},
            tuple(avoid),
            logs,
        )
        self._orders.put(lambda: self._submit(batch, submission))

    def stop(self, queue_jobs: Sequence[str]) -> None:
        self._orders.put(lambda: self._watch.doom(queue_jobs))

    def ask_about(self, queue_jobs: Sequence[str]) -> None:
        self._orders.put(lambda: self._watch.ask(queue_jobs))

    def doubt(self) -> None:
        self._orders.put(lambda: self._watch.doubt(time.monotonic()))

    def events(self) -> list[Event]:
        return self._events.take()

    def fileno(self) -> int:
        return self._events.fileno()

    def close(self) -> None:
        if self._close_at is not None:
            return
        self._close_at = time.monotonic() + _CLOSE
        self._orders.put(lambda: self._watch.doom(self._watch.names()))
        self._thread.join(_CLOSE + _LAST_COMMAND)
        if left := self._watch.names():
            log.warning(
                "queue jobs are not gone after %g s: %s; they end by themselves when they do not "
                "hear of this program",
                _CLOSE, ", ".join(left),
            )  # fmt: skip
        self._events.close()

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_done():
            try:
                self._orders.get(timeout=self._watch.pause(time.monotonic()))()
                continue
            except queue.Empty:
                pass
            self._delete()
            self._look()

    def _is_done(self) -> bool:
        if self._close_at is None or not self._orders.empty():
            return False
        return not self._watch.names() or time.monotonic() >= self._close_at

    def _submit(self, batch: int, submission: Submission) -> None:
        left = submission.copies
        while left > 0 and self._close_at is None:
            try:
                names = tuple(self._scheduler.submit(submission._replace(copies=left)))
                if not names:
                    raise SchedulerError("nothing was submitted, and no reason given")
            except Exception as error:
                self._events.say(Refused(batch, _said(error)))
                return
            self._watch.add(names, time.monotonic())
            self._events.say(Submitted(batch, names))
            left -= len(names)

    def _delete(self) -> None:
        names = self._watch.to_delete(time.monotonic())
        if not names:
            return
        try:
            self._scheduler.delete(names)
        except Exception as error:
            # Some of them may be over: what is left is seen at the next look, and tried again.
            log.debug("queue jobs %s: %s", ", ".join(names), error)

    def _look(self) -> None:
        names = self._watch.names()
        if not names:
            return
        try:
            found = self._scheduler.status(names)
        except Exception as error:
            self._watch.not_seen(time.monotonic())
            if not self._silent:
                self._silent = True
                self._events.say(Notice(f"the queue cannot be looked at: {_said(error)}"))
            return
        self._silent = False
        for name in self._watch.seen(found, time.monotonic()):
            self._events.say(Ended(name, self._end_of(name)))

    def _end_of(self, name: str) -> End:
        try:
            return self._scheduler.end_of(name)
        except Exception as error:
            return End(detail=_said(error))


def _said(error: Exception) -> str:
    # What is no word of the batch system's is a mistake in the scheduler, which has to be found.
    return str(error) if isinstance(error, SchedulerError) else f"{type(error).__name__}: {error}"
