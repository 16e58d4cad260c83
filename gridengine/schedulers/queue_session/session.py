"""One session with a batch system: the program's end of the session process's pipe."""

from __future__ import annotations

import collections
import dataclasses
import os
import queue
import sys
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...errors import SchedulerUnavailable
from ...logs import Log
from ...transport.wake_pipe import WakePipe
from .. import events
from ..base import Session
from ..events import End, Ended, Event, Explained, Notice, Refused, Standing, Submitted
from .client import SessionProcess
from .process import messages
from .session_notes import registry_file
from .submission import OpenBatch, QueueRequest

PATIENCE = 60.0
"""Seconds that an open session waits for a batch system that does not answer."""

_CLOSE = 10.0  # seconds that close() waits for queue jobs to be gone

_LIVES = 3  # session processes that an open session uses up at most

log = Log(__name__)


class QueueSession(Session):
    """One session process, and what it has reported.

    A thread reads its messages, so that nothing is lost when the program is slow to ask. What a
    batch system has for itself are the abstract methods; they are called in both threads.

    Args:
        request: What queue jobs ask for, if they do not ask for something else.
        patience: Seconds until which the batch system must have answered for the first time.
        trial: Whether to find out if this host may submit, before any queue job is asked for.

    Raises:
        SchedulerUnavailable: There is no such batch system here.

    Attributes:
        system_name: The batch system, as people call it.
        batch_system: ``module:Class`` of its `process.batch_system.BatchSystem`, which only the
            session process imports.
    """

    system_name: ClassVar[str]
    batch_system: str

    def __init__(
        self, request: QueueRequest, patience: float = PATIENCE, *, trial: bool = False
    ) -> None:
        self._request = request
        self._patience = patience
        self._trial = trial
        self._registry = registry_file()
        self._events: collections.deque[Event] = collections.deque()
        self._wake_pipe = WakePipe()
        self._answer: queue.SimpleQueue[str | SchedulerUnavailable] = queue.SimpleQueue()
        # For what both threads change: the batches, and which process is the one.
        self._lock = threading.Lock()
        self._batches: dict[int, OpenBatch] = {}
        self._live: dict[str, QueueRequest] = {}
        # Those that are over, and of whose end more is to be learned.
        self._unexplained: dict[str, tuple[messages.QueueJobEnd, QueueRequest]] = {}
        self._contact = ""
        self._lives = _LIVES
        self._over: str | None = None
        self._closing = False
        self._process = SessionProcess(self.system_name, self.environment())
        self._greet()
        self._reader = threading.Thread(target=self._read, name="gridengine-session", daemon=True)
        self._reader.start()

    # -- what differs between batch systems ----------------------------------------------------

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Returns the environment of the session process.

        Raises:
            SchedulerUnavailable: There is no such batch system here.
        """

    @abstractmethod
    def order(
        self,
        batch: int,
        command: Sequence[str],
        count: int,
        *,
        name: str,
        request: Any,
        logs: str,
        avoid: Sequence[str],
    ) -> messages.Submit:
        """Returns what the session process is to submit: the arguments are those of `start`.

        Raises:
            ValueError, TypeError: The batch system cannot take it.
        """

    @abstractmethod
    def judge(self, over: messages.QueueJobEnd, request: Any) -> End:
        """Returns what is known about the end of a queue job that had asked for ``request``."""

    def refusal(self, reason: str, request: Any) -> str:  # it has no advice
        """Returns why a request was refused, and what to do about it."""
        return reason

    # -- the start -----------------------------------------------------------------------------

    def system(self, timeout: float) -> str:
        """Waits for the name of the batch system; of use once, right after the start.

        Raises:
            SchedulerUnavailable: It does not answer.
        """
        try:
            answer = self._answer.get(timeout=timeout)
        except queue.Empty:
            self._process.kill()  # it may hang for a minute, and has no queue jobs yet
            raise SchedulerUnavailable(
                f"no {self.system_name} here: its master has not answered within {timeout:g} s"
            ) from None
        if isinstance(answer, SchedulerUnavailable):
            raise answer
        return answer

    @property
    def process_id(self) -> int:
        """The session process's, for tests and people who look for it."""
        return self._process.pid

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
        try:
            request = self._request.changed(resources)
            order = self.order(
                batch, command, count, name=name, request=request, logs=logs, avoid=avoid
            )
        except (ValueError, TypeError) as error:
            self._tell(Refused(batch, str(error)))
            return
        with self._lock:
            self._batches[batch] = OpenBatch(request, order)
            self._process.send(order)
        if self._over is not None:
            self._give_up(self._over)

    def stop(self, queue_jobs: Sequence[str]) -> None:
        if queue_jobs:
            self._send(messages.Delete(tuple(queue_jobs)))

    def ask_about(self, queue_jobs: Sequence[str]) -> None:
        self._send(messages.Ask(tuple(queue_jobs)))

    def when_silent(self) -> Sequence[str]:
        return "gridengine.schedulers.queue_session.abandoned", self._registry

    def events(self) -> list[Event]:
        self._wake_pipe.empty()
        found = []
        while self._events:
            found.append(self._events.popleft())
        return found

    def fileno(self) -> int:
        return self._wake_pipe.read_end

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._send(messages.Close())
        # It leaves by itself, whatever is left: nothing here has to wait for that.
        self._reader.join(_CLOSE)
        self._wake_pipe.close()

    # -- the other end -------------------------------------------------------------------------

    def _send(self, message: messages.Message) -> None:
        with self._lock:
            self._process.send(message)

    def _greet(self) -> None:
        self._process.send(
            messages.Hello(
                batch_system=self.batch_system,
                sys_path=tuple(sys.path),
                parent=os.getpid(),
                registry=self._registry,
                patience=self._patience,
                trial=self._trial,
                contact=self._contact,
                adopted=tuple(self._live),
            )
        )

    def _read(self) -> None:
        """Takes in all messages, in a thread of its own."""
        while True:
            for message in self._process.messages():
                self._take_in(message)
            reason = self._process.last_words()
            if not self._start_again(reason):
                break
        self._give_up(reason)

    def _start_again(self, reason: str) -> bool:
        """Puts a new process in the place of one that died: it finds the same queue jobs."""
        self._explain_all()
        self._lives -= 1
        if self._closing or self._over is not None or not self._contact or not self._lives:
            return False
        self._tell(Notice(f"{reason}; a new one takes over"))
        with self._lock:
            try:
                self._process = SessionProcess(self.system_name, self.environment())
            except (SchedulerUnavailable, OSError):
                return False
            self._greet()
            for batch in self._batches.values():
                self._process.send(batch.order)
        return True

    def _take_in(self, message: messages.Message) -> None:
        match message:
            case messages.SessionReady(system, contact):
                self._contact = contact
                self._answer.put(system)
            case messages.SessionFailed(reason):
                self._give_up(reason)
            case messages.BatchTaken(batch, queue_jobs):
                self._taken(batch, queue_jobs)
            case messages.BatchRefused(batch, reason):
                with self._lock:
                    refused = self._batches.pop(batch, None)
                request = refused.request if refused else self._request
                self._tell(Refused(batch, self.refusal(reason, request)))
            case messages.QueueJobEnd(queue_job):
                request = self._live.pop(queue_job, self._request)
                if not message.final:
                    self._unexplained[queue_job] = message, request
                self._tell(Ended(queue_job, self.judge(message, request)))
            case messages.Accounted(queue_job, record):
                self._explain(queue_job, record)
            case messages.QueueJobStuck(queue_job, reason):
                self._tell(events.Stuck(queue_job, reason))
            case messages.BatchDelayed(batch, reason):
                self._tell(events.Delayed(batch, reason))
            case messages.QueueJobsWait((first, *others), reason):
                self._tell(events.Waiting(first, reason, tuple(others), message.aloud))
                log.debug("why queue job %s waits: %s\n%s", first, reason, message.words)
            case messages.QueueJobsStanding(queue_jobs, suspended):
                self._tell(Standing(queue_jobs, suspended))
            case messages.LogEntry(text):
                self._tell(Notice(text))

    def _taken(self, batch: int, queue_jobs: tuple[str, ...]) -> None:
        with self._lock:
            record = self._batches[batch]
            left = record.order.count - len(queue_jobs)
            record.order = dataclasses.replace(record.order, count=left)
            if left <= 0:
                del self._batches[batch]
            self._live.update(dict.fromkeys(queue_jobs, record.request))
        self._tell(Submitted(batch, queue_jobs))

    def _explain(self, queue_job: str, record: dict[str, str]) -> None:
        if queue_job in self._unexplained:
            over, request = self._unexplained.pop(queue_job)
            over = dataclasses.replace(over, accounting=record, final=True)
            self._tell(Explained(queue_job, self.judge(over, request)))

    def _explain_all(self) -> None:
        """Says of those who ended that nobody will learn more of it."""
        for queue_job in list(self._unexplained):
            self._explain(queue_job, {})

    def _give_up(self, reason: str) -> None:
        """Answers all that is open: there is no session process any more."""
        if self._over is None:
            self._over = reason
            self._answer.put(SchedulerUnavailable(f"no {self.system_name} here: {self._over}"))
        with self._lock:
            batches, self._batches = list(self._batches), {}
        for batch in batches:
            self._tell(Refused(batch, self._over))
        self._explain_all()
        while self._live:
            queue_job, request = self._live.popitem()
            end = End(requested_memory=request.memory, detail=self._over)
            self._tell(Ended(queue_job, end))

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self._wake_pipe.wake()
