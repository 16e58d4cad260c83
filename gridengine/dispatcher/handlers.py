"""Messages to events of the dispatcher's state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..ledger.dispatcher_state import DispatcherState
from ..ledger.records import Report, SupervisorRecord, WorkerRecord
from ..logs import Log
from ..schedulers.events import Notice
from ..transport import messages, versions
from ..transport.addresses import worker_address
from ..transport.base import Connections
from ..transport.logged import Logged
from ..transport.output_messages import Printing
from ..transport.sample_messages import Sampled
from ..transport.unreached import Unreached
from .job_output import JobOutput
from .job_records import JobRecords
from .queue_jobs import QueueJobs
from .stacks import StackQuestions
from .task_messages import TaskMessages, WorkerMemory

log = Log(__name__)

#: Hosts of which it is told that their libraries are of other versions.
_TOLD = 100

#: Turns in which ends are not settled because more is there to be read, one after the other.
_TURNS = 20

#: Characters of the name of a queue job or a host, at most: of the former a file's name is made.
_NAME_LENGTH = 200


class Handlers:
    """Hears what supervisors, workers and the scheduler say. Unpickles nothing.

    Args:
        connections: To supervisors and workers.
        state: What is decided by it.
        queue_jobs: What kinds of workers there are.
        task_messages: What is kept for each worker.
        output: What jobs print.
        stacks: Who has asked where workers are.
    """

    def __init__(
        self,
        connections: Connections,
        state: DispatcherState,
        queue_jobs: QueueJobs,
        task_messages: TaskMessages,
        output: JobOutput,
        stacks: StackQuestions,
    ) -> None:
        self._connections = connections
        self._state = state
        self._queue_jobs = queue_jobs
        self._task_messages = task_messages
        self._stacks = stacks
        self._output = output
        self._workers = state.ledger.workers
        self._job_records = JobRecords()
        self._turns_with_more = 0
        self._told: set[str] = set()
        self._handlers: dict[type, Callable[[bytes, Any, float], None]] = {
            messages.Beat: self._beat,
            messages.Ready: self._ready,
            messages.Supervising: self._supervising,
            messages.Died: self._died,
            messages.Recalled: self._recalled,
            messages.Stack: self._stack,
            Logged: self._logged,
            messages.Probe: self._probe,
            Printing: self._printed,
            Sampled: self._sampled,
        }

    def listen(self) -> None:
        """Takes in what supervisors and workers have said."""
        now = time.monotonic()
        for address, message, frames in self._connections.receive():
            worker = self._workers.get(address)
            if worker is not None:
                worker.received += 1
            try:
                if type(message) is not messages.Done:
                    self._handlers[type(message)](address, message, now)
                elif worker is not None:
                    self._done(worker, message, frames, now)
            except (ValueError, KeyError, IndexError) as error:
                self._connections.complain(address, f"dropped nonsense: {error!r}")
        for address in self._connections.hung_up():
            self._state.hung_up(address)
        # Not before all that the dead had sent has been looked at; but who floods this program
        # shall not keep it from ever seeing an end.
        self._turns_with_more = self._turns_with_more + 1 if self._connections.more else 0
        if self._turns_with_more % _TURNS == 0:
            self._state.settle(now)

    def hear_scheduler(self) -> None:
        """Takes in what the scheduler has said."""
        for event in self._queue_jobs.session.events():
            self._state.scheduler_said(event)

    def look_at_the_door(self) -> None:
        """Notes if nobody who comes can be let in, and how long messages are on their way."""
        now = time.monotonic()
        for address in self._connections.alive():
            self._state.beat(address, now)
        for text in self._connections.news():
            self._state.scheduler_said(Notice(text))
        for address, reason in self._connections.cut_off():
            self._state.cut_off(address, reason)
        self._state.allow_for(self._connections.round_trip, self._connections.patience_of)
        reason = self._connections.shut_out()
        if reason:
            self._state.shut_out(reason)

    def close(self) -> None:
        """Has all handled that jobs have logged."""
        self._job_records.close()

    def _done(
        self, worker: WorkerRecord, message: messages.Done, frames: list[Any], now: float
    ) -> None:
        memory: WorkerMemory = worker.memory
        if message.released:
            memory.give_back(message.released)
        if message.shared:
            memory.borrow(frames, message.shared)
        _check(message, frames)
        if message.space:
            worker.space = message.space
        if message.printed:
            self._output.answered(worker, message.printed)
        self._state.answered(worker, message.results, frames, now)

    def _beat(self, address: bytes, _: messages.Beat, now: float) -> None:
        self._state.beat(address, now)
        if address in self._workers or address in self._state.staffing.supervisors:
            self._connections.send(address, messages.Beat())

    def _supervising(self, address: bytes, message: messages.Supervising, now: float) -> None:
        if not self._queue_jobs.is_kind(message.kind):
            raise ValueError(f"no supervisor of this program's: {message}")
        _check_names(message)
        supervisor = SupervisorRecord(
            address, message.queue_job, message.kind, message.host, message.pid, now=now
        )
        if reason := _refusal(message):
            if not self._state.supervisor_refused(supervisor, reason):
                self._connections.complain(address, reason)
                # The scheduler may name its queue job only in a moment.
                self._queue_jobs.note_refusal(message.queue_job, Unreached(message.host, reason))
            return
        self._tell_differences(message)
        if message.time_left:
            supervisor.deadline = now + message.time_left
        supervisor.memory_limit = message.memory_limit
        for worker in self._state.supervisor_arrived(supervisor, now):
            self._equip(worker)

    def _tell_differences(self, message: messages.Supervising) -> None:
        told = versions.differences(message.host, message.libraries)
        if told and told not in self._told and len(self._told) < _TOLD:
            self._told.add(told)
            log.info("%s; that is no hindrance", told)

    def _ready(self, address: bytes, message: messages.Ready, now: float) -> None:
        worker = self._state.worker_arrived(address, message.pid, message.arena, now)
        if worker is not None:
            self._equip(worker)

    def _equip(self, worker: WorkerRecord) -> None:
        """Puts what is kept for a new worker in the place of where its own memory is."""
        worker.received = 1
        try:
            worker.memory = self._task_messages.memory_for(worker.memory)
        except OSError as error:
            # Its supervisor will say whether it has died since.
            self._connections.complain(
                worker.address, f"it sends all results, for its memory cannot be opened: {error}"
            )
            worker.memory = self._task_messages.memory_for("")
            self._connections.send(worker.address, messages.Unseen())

    def _died(self, address: bytes, message: messages.Died, now: float) -> None:
        report = Report(
            message.status, message.position, message.width, message.reason,
            message.peak_memory, message.sent, message.output,
            message.needed_memory, message.granted_memory, message.cpu,
        )  # fmt: skip
        self._output.is_ending(worker_address(address, message.worker))
        self._state.worker_died(address, message.worker, report, now)

    def _recalled(self, address: bytes, message: messages.Recalled, now: float) -> None:
        self._state.recalled(address, message.worker, message.position, message.end, now)

    def _stack(self, address: bytes, message: messages.Stack, _: float) -> None:
        self._stacks.answered(address, message)

    def _logged(self, address: bytes, message: Logged, _: float) -> None:
        worker = self._workers.get(address)
        if worker is not None:
            self._job_records.take_in(worker, message)

    def _printed(self, address: bytes, message: Printing, _: float) -> None:
        if address in self._state.staffing.supervisors:
            self._output.forwarded(address, message)

    def _sampled(self, address: bytes, message: Sampled, _: float) -> None:
        of = self._workers.get
        found = [(of(worker_address(address, each.worker)), each) for each in message.samples]
        self._state.samples.take_in([(w, sample) for w, sample in found if w is not None])

    def _probe(self, address: bytes, _: messages.Probe, now: float) -> None:
        self._connections.send(address, messages.Here())


def _check_names(message: messages.Supervising) -> None:
    """Looks at the names of a queue job and its host, which become file names, and are shown.

    Raises:
        ValueError: One is no name.
    """
    for name in (message.queue_job, message.host):
        if "/" in name or not name.isprintable() or len(name) > _NAME_LENGTH:
            raise ValueError(f"no name of a queue job or a host: {name!r}")


def _refusal(message: messages.Supervising) -> str:
    """Returns why a supervisor cannot work for this program, nothing if it can."""
    gridengine = message.gridengine
    if message.version != messages.VERSION:
        # It need not have said more of itself that can be read here.
        spoken = f"(protocol {message.version}, here {messages.VERSION})"
        gridengine = f"{gridengine or 'of another version'} {spoken}"
    return versions.refusal(message.host, message.python, gridengine)


def _check(message: messages.Done, frames: list[Any]) -> None:
    """Looks at what the types of a message do not say.

    Raises:
        ValueError: It speaks of frames, or of calls, that it is not about.
    """
    announced = 0
    for result in message.results:
        announced += result.frames
        if (
            result.failures
            and not result.lo <= min(result.failures) <= max(result.failures) < result.hi
        ):
            raise ValueError("failures of calls that were not answered for")
    if announced != len(frames):
        raise ValueError(f"{announced} frames announced, {len(frames)} sent")
