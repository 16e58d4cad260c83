"""Orders of the dispatcher's state to messages, and to requests to the scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..errors import SchedulerError
from ..ledger import orders
from ..ledger.dispatcher_state import DispatcherState
from ..ledger.records import WorkerRecord
from ..logs import Log
from ..schedulers.events import Refused
from ..transport import messages
from ..transport.base import Connections
from .job_output import JobOutput
from .queue_jobs import QueueJobs
from .task_messages import TaskMessages, WorkerMemory

log = Log(__name__)

#: Characters of what a queue job has printed that are quoted.
_PRINTED = 1000


class OrderExecution:
    """Does what the state orders.

    Args:
        connections: To supervisors and workers.
        state: What gives the orders.
        queue_jobs: By way of the scheduler.
        task_messages: Makes the messages with work.
        output: What jobs print.
    """

    def __init__(
        self,
        connections: Connections,
        state: DispatcherState,
        queue_jobs: QueueJobs,
        task_messages: TaskMessages,
        output: JobOutput,
    ) -> None:
        self._connections = connections
        self._state = state
        self._queue_jobs = queue_jobs
        self._task_messages = task_messages
        self._output = output
        self._dismissed: set[bytes] = set()
        self._actions: dict[type, Callable[[Any], None]] = {
            orders.Assign: self._assign,
            orders.Dismiss: self._dismiss,
            orders.Release: self._release,
            orders.AdjustStaff: self._adjust_staff,
            orders.TakeBack: self._take_back,
            orders.SignalCalls: self._signal,
            orders.StopSupervisor: self._stop_supervisor,
            orders.RequestQueueJobs: self._request,
            orders.DeleteQueueJobs: self._delete,
            orders.AskAbout: self._ask_about,
            orders.ReadOutput: self._read_output,
            orders.AskWhy: self._ask_why,
            orders.Warn: self._warn,
            orders.Inform: self._inform,
        }

    def execute(self) -> None:
        """Does all that was ordered, and what that leads to."""
        pending = self._state.orders
        while pending:
            taken = pending[:]
            pending.clear()
            for order in taken:
                self._actions[type(order)](order)

    # ------------------------------------------------------------------ to workers

    def _assign(self, order: orders.Assign) -> None:
        block, frames = self._task_messages.block(order)
        self._connections.send(order.worker.address, block, frames)

    def _dismiss(self, order: orders.Dismiss) -> None:
        self._connections.send(order.worker.address, messages.Stop(order.replaced))

    def _release(self, order: orders.Release) -> None:
        memory: WorkerMemory = order.worker.memory
        memory.close()
        self._output.ended(order.worker)
        self._connections.forget(order.worker.address)

    def forget(self, function: bytes) -> None:
        """Has all workers let go of a function, and of the arrays in it."""
        for worker in self._state.ledger.workers.values():
            memory: WorkerMemory = worker.memory
            if memory.functions.pop(function, None) is not None:
                self._send_without_work(worker, [function], [])

    def say_released(self) -> None:
        """Tells workers that have nothing to do what of their memory they may use again."""
        for worker in self._state.ledger.workers.values():
            memory: WorkerMemory = worker.memory
            if memory.released and not worker.outstanding:
                self._send_without_work(worker, [], memory.take_released())

    def _send_without_work(
        self, worker: WorkerRecord, forget: list[bytes], released: list[int]
    ) -> None:
        nothing = self._task_messages.without_work(worker, forget, released)
        self._connections.send(worker.address, nothing)

    # ------------------------------------------------------------------ to supervisors

    def _adjust_staff(self, order: orders.AdjustStaff) -> None:
        supervisor = order.supervisor
        self._connections.send(supervisor.address, messages.Staff(supervisor.staff))

    def _take_back(self, order: orders.TakeBack) -> None:
        worker = order.worker
        recall = messages.Recall(worker.number, order.end, order.start, order.keep)
        self._connections.send(worker.supervisor.address, recall)

    def _signal(self, order: orders.SignalCalls) -> None:
        worker = order.worker
        calls = order.position, order.width
        end = messages.Signal(worker.number, *calls, order.signum, order.reason)
        self._connections.send(worker.supervisor.address, end)

    def _stop_supervisor(self, order: orders.StopSupervisor) -> None:
        self._connections.send(order.address, messages.Stop())

    def say_goodbye(self) -> None:
        """Tells all supervisors to stop, each once."""
        for address in self._state.staffing.supervisors.keys() - self._dismissed:
            self._dismissed.add(address)
            self._connections.send(address, messages.Stop())

    # ------------------------------------------------------------------ to the scheduler

    def _request(self, order: orders.RequestQueueJobs) -> None:
        try:
            self._queue_jobs.request(order, self._state.ledger.label(order.kind))
        except SchedulerError as error:
            self._state.scheduler_said(Refused(order.batch, str(error)))

    def _delete(self, order: orders.DeleteQueueJobs) -> None:
        self._queue_jobs.session.stop(order.queue_jobs)

    def _ask_about(self, order: orders.AskAbout) -> None:
        self._queue_jobs.session.ask_about(order.queue_jobs)

    def _read_output(self, order: orders.ReadOutput) -> None:
        output = self._queue_jobs.output_of(order.supervisor.queue_job)
        self._state.lost(order.supervisor, order.end, output, time.monotonic())

    def _ask_why(self, order: orders.AskWhy) -> None:
        record = order.queue_job
        note = self._queue_jobs.unreached(record.name)
        if note is not None:
            self._state.not_started(record, note.reason, note.host)
            return
        output = self._queue_jobs.output_of(record.name)
        said = f"; it has printed: {' '.join(output[-_PRINTED:].split())}" if output else ""
        self._state.not_started(record, f"{order.end.detail}{said}")

    def output_is_incomplete(self) -> bool:
        """Tells whether something that jobs have printed is on its way."""
        return self._output.incomplete

    def close(self) -> None:
        """Lets go of the memory of all workers, and of what their jobs have printed."""
        self._output.close()
        for worker in self._state.ledger.workers.values():
            worker.memory.close()

    # ------------------------------------------------------------------ to people

    def _warn(self, order: orders.Warn) -> None:
        log.warning("%s", order.text)

    def _inform(self, order: orders.Inform) -> None:
        log.info("%s", order.text)
