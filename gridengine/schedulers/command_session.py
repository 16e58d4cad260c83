"""One session with a batch system that is commands: a thread that submits, looks and deletes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ..errors import SchedulerError
from ..logs import Log
from .base import Session
from .command_scheduler import CommandScheduler, Phase, Status, Submission, legal_name, script_for
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
        self._watch = self._new_watch()
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._close_at: float | None = None
        self._silent = False
        self._submitting: tuple[int, Submission] | None = None
        self._broken = ""  # why nothing is submitted any more
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
            scheduler.all_resources(resources),
            scheduler.slots_of(resources),
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
        if (submitting := self._submitting) is not None and self._thread.is_alive():
            log.warning(
                "the submission of %d queue jobs called %s has not ended; what comes of it is "
                "deleted if this program goes on for so long, or ends by itself",
                submitting[1].copies, submitting[1].name,
            )  # fmt: skip
        self._events.close()

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_done():
            try:
                self._step()
            except BaseException as error:
                # There is nobody else who could tell the program that its jobs wait in vain.
                self._give_up(error)
        # A submission may have outlasted close().
        self._watch.doom(self._watch.names())
        self._delete()

    def _step(self) -> None:
        try:
            order = self._orders.get(timeout=self._watch.pause(time.monotonic()))
        except queue.Empty:
            self._delete()
            self._look()
        else:
            order()

    def _give_up(self, error: BaseException) -> None:
        self._broken = f"the session has failed: {_said(error)}"
        log.warning("%s", self._broken, exc_info=error)
        names, self._watch = self._watch.names(), self._new_watch()
        for name in names:
            self._events.say(Ended(name, End(detail=self._broken)))
        if self._submitting is not None:
            self._events.say(Refused(self._submitting[0], self._broken))
            self._submitting = None
        if names:
            self._delete_now(names)

    def _new_watch(self) -> QueueWatch:
        scheduler = self._scheduler
        return QueueWatch(scheduler.polls, scheduler.listed_after, self._events.say)

    def _is_done(self) -> bool:
        if self._close_at is None or not self._orders.empty():
            return False
        return not self._watch.names() or time.monotonic() >= self._close_at

    def _submit(self, batch: int, submission: Submission) -> None:
        if self._broken:
            self._events.say(Refused(batch, self._broken))
            return
        left = submission.copies
        while left > 0 and self._close_at is None:
            self._submitting = batch, submission._replace(copies=left)
            try:
                names = _names(self._scheduler.submit(self._submitting[1]))
            except Exception as error:
                self._events.say(Refused(batch, _said(error)))
                break
            self._watch.add(names, time.monotonic())
            self._events.say(Submitted(batch, names))
            left -= len(names)
        self._submitting = None

    def _delete(self) -> None:
        names = self._watch.to_delete(time.monotonic())
        if names:
            self._delete_now(names)

    def _delete_now(self, names: Sequence[str]) -> None:
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
            found = _statuses(self._scheduler.status(names))
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
            end = self._scheduler.end_of(name)
            if not isinstance(end, End):
                raise TypeError(f"end_of() has returned {end!r}, where an End is expected")
            return end
        except Exception as error:
            return End(detail=_said(error))


def _names(answer: Sequence[str]) -> tuple[str, ...]:
    """Returns what `submit` has returned, looked at."""
    names = () if isinstance(answer, str) else tuple(answer)
    if isinstance(answer, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"submit() has returned {answer!r}, where names in a list are expected")
    if not names:
        raise SchedulerError("nothing was submitted, and no reason given")
    return names


def _statuses(answer: Mapping[str, Status]) -> Mapping[str, Status]:
    """Returns what `status` has returned, looked at."""
    if not isinstance(answer, Mapping):
        raise TypeError(f"status() has returned {answer!r}, where a dict is expected")
    for name, status in answer.items():
        if not (
            isinstance(status, Status)
            and isinstance(status.phase, Phase)
            and isinstance(status.reason, str)
            and isinstance(status.end, End)
        ):
            raise TypeError(f"status() has {status!r} for {name!r}, where a Status is expected")
    return answer


def _said(error: BaseException) -> str:
    # What is no word of the batch system's is a mistake in the scheduler, which has to be found.
    return str(error) if isinstance(error, SchedulerError) else f"{type(error).__name__}: {error}"
