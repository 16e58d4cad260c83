"""Workers as queue jobs of a Grid Engine, by way of DRMAA.

The user's program never loads the DRMAA library: `drmaa_session` is a process of its own, and
here is the other end of its pipe.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...errors import SchedulerUnavailable
from ...settings import Settings
from ...transport.wake_pipe import WakePipe
from .. import events
from ..arguments import take_common
from ..base import Scheduler, Session
from ..events import End, Ended, Event, Explained, Notice, Refused, Standing, Submitted
from . import scheduler_arguments
from .drmaa_session import messages
from .exit_status import judge
from .refusals import refusal
from .request import Hosts, Request, job_name
from .session_client import DrmaaProcess
from .session_notes import registry_file
from .submission import OpenBatch, folder_for_logs, whole_command

Resource = str | int | float | datetime.timedelta

_PROBE = 5.0  # seconds in which a master that is to be used has to answer
_PATIENCE = 60.0  # seconds that an open session waits for a master that does not answer
_CLOSE = 10.0  # seconds that close() waits for queue jobs to be gone

_LIVES = 3  # session processes that an open session uses up at most


class GridEngineScheduler(Scheduler):
    """Runs workers on a Grid Engine cluster, as array jobs.

    ``GridEngineScheduler(h_rt="01:00:00", h_vmem="4G", max_workers=100)``: each worker may take an
    hour and four gigabytes, and there are a hundred of them at most.

    Args:
        queue: The queue, or several with commas between, of ``qsub -q``.
        slots: Slots of each worker; more than one needs ``parallel_environment``.
        parallel_environment: Which one of ``qconf -spl`` grants several slots.
        project: What the jobs are charged to.
        hosts: The hosts that workers may run on, names or patterns.
        max_workers: Workers at one time, at most; by default as many as calls can use, up to
            ``GRIDENGINE_QUEUE_JOBS``.
        lifetime: After that long (``"10m"``, seconds, a `datetime.timedelta`) a worker leaves
            between two jobs and its place is asked for anew, behind the jobs of others that have
            been waiting meanwhile; None for never.
        queue_job_name: What people read in the queue; by default the name of the first job, or
            function, for which a queue job is asked. Made legal for the Grid Engine.
        fresh: Whether each job gets a newly forked worker, which has seen no other.
        initializer: What each worker calls before its first job, to load what all of them need. If
            it raises, the jobs of that worker fail with `InitializerError`.
        initargs: Its arguments.
        cwd: The directory in which jobs run that name no other; by default the program's own when
            they are started. Where it cannot be entered they fail with an OSError.
        env: Variables that are set for the jobs, whatever they are called; None takes one away.
        output: What becomes of what jobs print: see `ProcessScheduler`.
        settings: Settings of its own, such as ``{"linger": 60}``: see `ProcessScheduler`.
        native: Further options of ``qsub``, as they are.
        memory_resource: What ``memory=`` of a job asks for, for each slot.
        memory_max: What a job gets at most that asks for more and more memory: ``"64G"``, or bytes.
            By default 16 times as much as at first.
        resources: For ``qsub -l``: ``h_rt="00:10:00"``, ``h_vmem="4G"`` and so on. Times may be
            seconds or a `datetime.timedelta`, sizes may be bytes.

    Raises:
        ValueError, TypeError: Something in it cannot be asked of the Grid Engine.
        GridEngineError: A setting, of this or of the environment, is none.
    """

    remote = True
    queue_job_template: ClassVar[str] = "{JOB_ID}.{SGE_TASK_ID}"

    def __init__(
        self,
        *,
        queue: str | None = None,
        slots: int = 1,
        parallel_environment: str | None = None,
        project: str | None = None,
        hosts: Hosts | None = None,
        max_workers: int | None = None,
        lifetime: str | float | datetime.timedelta | None = scheduler_arguments.LIFETIME,
        queue_job_name: str | None = None,
        native: str | None = None,
        fresh: bool = False,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        output: str | None = None,
        settings: Mapping[str, object] | None = None,
        memory_resource: str = "h_vmem",
        memory_max: str | int | None = None,
        **resources: Resource,
    ) -> None:
        self.request = Request.of(
            queue=queue, slots=slots, parallel_environment=parallel_environment,
            project=project, hosts=hosts, native=native, **resources,
        )  # fmt: skip
        take_common(
            self, fresh=fresh, initializer=initializer, initargs=initargs, cwd=cwd, env=env,
            output=output, settings=settings,
        )  # fmt: skip
        read = Settings.read(arguments=self.settings)
        self.max_workers = scheduler_arguments.checked_workers(max_workers)
        self.max_queue_jobs = self.max_workers or read.queue_jobs
        self.linger = read.linger
        self.lifetime = scheduler_arguments.checked_lifetime(lifetime)
        self.queue_job_name = scheduler_arguments.checked_name(queue_job_name)
        self.slots = self.request.slots
        self.memory_resource, self.memory_max = scheduler_arguments.checked_memory(
            memory_resource, memory_max
        )

    def __repr__(self) -> str:
        limit = f"max_workers={self.max_workers}" if self.max_workers else ""
        name = f"queue_job_name={self.queue_job_name!r}" if self.queue_job_name else ""
        return f"GridEngineScheduler({', '.join(filter(None, (str(self.request), limit, name)))})"

    def open(self) -> GridEngineSession:
        return GridEngineSession(self.request)

    def resources_of(self, resources: Mapping[str, object]) -> Mapping[str, object]:
        self.request.changed(resources)
        return {
            name: "|".join(value) if isinstance(value, (list, tuple)) else value
            for name, value in resources.items()
        }

    def time_limit(self, resources: Mapping[str, object]) -> float:
        """Returns ``h_rt`` in seconds, 0 if there is none."""
        return self.request.changed(resources).seconds

    def memory_of(self, resources: Mapping[str, object]) -> int:
        return self.request.changed(resources).amount_of(self.memory_resource)

    def probe(self, timeout: float = _PROBE) -> str:
        """Returns the name of the Grid Engine whose master answers, and to which one may submit.

        Raises:
            SchedulerUnavailable: None does within ``timeout`` seconds, or this host may not submit
                queue jobs, as some nodes may not; the message says why.
        """
        session = GridEngineSession(self.request, patience=0.0, trial=True)
        try:
            return session.system(timeout)
        finally:
            session.close()


class GridEngineSession(Session):
    """One session process, and what it has reported.

    A thread reads its messages, so that nothing is lost when the program is slow to ask.

    Args:
        request: What queue jobs ask for, if they do not ask for something else.
        patience: Seconds until which the master must have answered for the first time.
        trial: Whether to find out if this host may submit, before any queue job is asked for.

    Raises:
        SchedulerUnavailable: There is no Grid Engine here.
    """

    def __init__(
        self, request: Request, patience: float = _PATIENCE, *, trial: bool = False
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
        self._live: dict[str, Request] = {}
        # Those that are over, and of whose end more is to be learned.
        self._unexplained: dict[str, tuple[messages.QueueJobEnd, Request]] = {}
        self._contact = ""
        self._lives = _LIVES
        self._over: str | None = None
        self._closing = False
        self._process = DrmaaProcess()
        self._greet()
        self._reader = threading.Thread(target=self._read, name="gridengine-drmaa", daemon=True)
        self._reader.start()

    def system(self, timeout: float) -> str:
        """Waits for the name of the Grid Engine; of use once, right after the start.

        Raises:
            SchedulerUnavailable: The master does not answer.
        """
        try:
            answer = self._answer.get(timeout=timeout)
        except queue.Empty:
            self._process.kill()  # it may hang for a minute, and has no queue jobs yet
            raise SchedulerUnavailable(
                f"no Grid Engine here: its master has not answered within {timeout:g} s"
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
            order = messages.Submit(
                batch,
                whole_command(command),
                count,
                job_name(name),
                request.options(avoid),
                folder_for_logs(logs),
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
        return "gridengine.schedulers.grid_engine.abandoned", self._registry

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
                self._process = DrmaaProcess()
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
                self._tell(Refused(batch, refusal(reason, request, GridEngineScheduler)))
            case messages.QueueJobEnd(queue_job):
                request = self._live.pop(queue_job, self._request)
                if not message.final:
                    self._unexplained[queue_job] = message, request
                self._tell(Ended(queue_job, judge(message, request)))
            case messages.Accounted(queue_job, record):
                self._explain(queue_job, record)
            case messages.QueueJobStuck(queue_job, reason):
                self._tell(events.Stuck(queue_job, reason))
            case messages.QueueJobWaits(queue_job, reason):
                self._tell(events.Waiting(queue_job, reason))
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
            self._tell(Explained(queue_job, judge(over, request)))

    def _explain_all(self) -> None:
        """Says of those who ended that nobody will learn more of it."""
        for queue_job in list(self._unexplained):
            self._explain(queue_job, {})

    def _give_up(self, reason: str) -> None:
        """Answers all that is open: there is no session process any more."""
        if self._over is None:
            self._over = reason
            self._answer.put(SchedulerUnavailable(f"no Grid Engine here: {self._over}"))
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
