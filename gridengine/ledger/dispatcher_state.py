"""All that a dispatcher decides: events and ``now`` in, orders out.

No socket, thread, clock or pickle is in here or below, so every fault is a list of events in a
test. `gridengine.dispatcher` turns messages into these events, these orders into messages::

    submitted, cancelled ──┐                       ┌── Ledger        which call is where
    first words, answers ──┤                       ├── Cancellation  what is not wanted any more
    deaths, losses ────────┼──▶ DispatcherState ───┼── Deaths        the jobs of the dead
    the scheduler's word ──┘           │           └── Staffing      queue jobs, supervisors
                                       ▼
                                     orders
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import JobCancelled, SchedulerError
from ..schedulers.events import End, Ended, Event, Explained
from ..settings import BLOCK_SECONDS, Settings
from ..states import JobState
from ..transport.addresses import supervisor_of, worker_address
from .cancellation import Cancellation
from .capacity import Capacity
from .deaths import Deaths
from .demand import Demand
from .ledger import Ledger
from .observers import Observers, introduce
from .orders import Dismiss, Order, StopSupervisor, Warn
from .records import (
    AnsweredCalls,
    QueueJobRecord,
    Report,
    SupervisorRecord,
    WorkerRecord,
)
from .samples import Samples
from .staffing import Hopeless, Staffing
from .task import Place, Task

if TYPE_CHECKING:
    from .observers import Observer

#: Supervisors whose workers were heard before themselves, that are remembered. They say their own
#: first word within milliseconds; a peer that makes up names shall not fill the memory with them.
_EARLY = 10_000
_EARLY_WORKERS = 1000


class DispatcherState:
    """The state of a dispatcher.

    Args:
        settings: The numbers.
        capacity: What the scheduler allows for.
        remote: Whether workers may be on other hosts.
        fresh: Whether each job gets a worker of its own.
        max_tasks: Chunks after which a worker leaves its place to a new one.
        linger: Seconds that an idle worker is kept, None for as long as the dispatcher is.

    Attributes:
        orders: What is to be done, the first thing first; whoever does it takes it away.
        observers: Who hears of events.
        ledger: Which call is where.
        staffing: Which queue jobs and supervisors there are.
        cancellation: What is not wanted any more.
        deaths: Those whose end is not settled yet.
        samples: What workers use.
        room: The slots that all workers share, None if each has its own.
    """

    def __init__(
        self,
        settings: Settings,
        capacity: Capacity,
        *,
        remote: bool = False,
        fresh: bool = False,
        max_tasks: float = math.inf,
        linger: float | None = None,
    ) -> None:
        self._heartbeat = settings.heartbeat
        self._linger = linger
        self._lifetime = capacity.lifetime
        self.room = capacity.room
        self._look = 0.0
        # Workers that were heard before their supervisor, by its address: number, pid, memory.
        self._early: dict[bytes, list[tuple[int, int, Any]]] = {}
        self.orders: list[Order] = []
        self.observers = Observers()
        self.ledger = Ledger(
            settings.infrastructure_retries, fresh=fresh, max_tasks=max_tasks, remote=remote,
            observers=self.observers, room=capacity.room,
        )  # fmt: skip
        self.cancellation = Cancellation(self.ledger, self.orders, self.observers)
        self.deaths = Deaths(
            self.ledger, self.cancellation, self.orders, self.observers, remote=remote, fresh=fresh
        )
        self.samples = Samples(
            self.orders, self.observers, settings.stalled_after, retry=settings.on_stall == "retry"
        )
        self.staffing = Staffing(
            capacity,
            patience=settings.patience,
            resubmissions=settings.resubmissions,
            orders=self.orders,
            observers=self.observers,
            retire=self.ledger.retire,
            demand=Demand(gather=remote, patience=linger or 0.0),
            remote=remote,
        )

    # ------------------------------------------------------------------ from time to time

    def observe(self, observer: Observer, now: float) -> None:
        """Has an observer hear all events, after those that tell of what is there already."""
        self.observers.add(observer)
        waiting = sum(queue.calls for queue in self.ledger.queues())
        introduce(
            observer, self.staffing.queue_jobs.values(), self.ledger.workers.values(),
            self.ledger.counts, waiting, now,
        )  # fmt: skip
        self.staffing.waiting.introduce(observer)

    def allow_for(self, round_trip: float, patience_of: Callable[[bytes], float]) -> None:
        """Has workers have as much ahead, and be silent as long, as messages to them take.

        Args:
            round_trip: Seconds that a message and its answer take.
            patience_of: Returns the seconds for which a supervisor may be silent at least, by its
                address.
        """
        self.ledger.lead.allow_for(round_trip)
        self.staffing.silence.allow_for(patience_of)

    def tasks(self) -> list[Task]:
        """Returns the tasks that are not over."""
        return [*self.ledger.tasks(), *self.deaths.tasks()]

    def busy(self) -> bool:
        """Tells whether any worker that may soon be heard has something to do."""
        silent = self.staffing.is_silent
        workers = self.ledger.workers.values()
        return any(each.outstanding and not silent(each.supervisor) for each in workers)

    def has_work(self) -> bool:
        """Tells whether any call waits or is with a worker."""
        workers = self.ledger.workers.values()
        return bool(self.ledger.kinds()) or any(each.outstanding for each in workers)

    def tick(self, now: float) -> None:
        """Puts waiting work to work, and does what has no event."""
        self.cancellation.end_given_back()
        self.orders += self.ledger.assign(now)
        for worker in self.ledger.out_of_time():
            self._dismiss(worker, now)
        self.orders += [Dismiss(worker, replaced=True) for worker in self.ledger.outdated()]
        if now >= self._look:
            self._look_around(now)
            lopsided = self.ledger.lopsided()
            self._look = now + (BLOCK_SECONDS if lopsided else min(0.5, self._heartbeat))
        wanted = {kind: self.ledger.wanted(kind) for kind in self.ledger.kinds()}
        self.staffing.hire(wanted, now)

    def _look_around(self, now: float) -> None:
        self.staffing.look_for_silent(now)
        for hopeless in self.staffing.failures(now):
            self._give_up(hopeless)
        self.orders += self.ledger.recalls(now)
        if self._linger is None:
            return
        for kind in {record.kind for record in self.staffing.queue_jobs.values()}:
            if self.ledger.backlog(kind):
                self.staffing.dismiss_surplus(kind, self.ledger.wanted(kind), now)
                continue
            self.staffing.dismiss_pending(kind)
            if self.ledger.lopsided():
                # What a slow call leaves to others is for those who have nothing to do.
                continue
            for worker in self.ledger.idle(kind):
                if now - worker.heard >= self._linger:
                    self.ledger.retire(worker)
                    self._dismiss(worker, now)

    def _dismiss(self, worker: WorkerRecord, now: float) -> None:
        # In this order: the place shall be free when there is somebody who may have it.
        self.staffing.leaves(worker, now)
        self.orders.append(Dismiss(worker))

    def due(self, now: float) -> float:
        """Returns when `tick` or `settle` must be called again, whatever happens."""
        return min(self._look, self.deaths.due(now), self.staffing.due())

    def settle(self, now: float) -> None:
        """Settles the ends of which no more is to be learned; all that is there has been heard."""
        self.deaths.settle(now)

    # ------------------------------------------------------------------ supervisors and workers

    def supervisor_arrived(self, supervisor: SupervisorRecord, now: float) -> list[WorkerRecord]:
        """Event: a supervisor says its first word.

        Returns:
            Its workers that were heard before it.
        """
        address = supervisor.address
        early = self._early.pop(address, [])
        if self.staffing.was_lost(address):
            self.orders.append(StopSupervisor(address))
            return []
        if address in self.staffing.supervisors or not self.staffing.arrived(supervisor):
            return []
        return [
            worker
            for number, pid, memory in early
            if (worker := self._join(supervisor, number, pid, memory, now)) is not None
        ]

    def supervisor_refused(self, supervisor: SupervisorRecord, reason: str) -> bool:
        """Event: the first word of a supervisor that cannot work for this program.

        Returns:
            Whether the scheduler has named its queue job: then that counts as not started.
        """
        self._early.pop(supervisor.address, None)
        return self.staffing.refused(supervisor, reason)

    def worker_arrived(
        self, address: bytes, pid: int, memory: Any, now: float
    ) -> WorkerRecord | None:
        """Event: a worker says its first word.

        Args:
            address: Its address.
            pid: Its process id.
            memory: As of `WorkerRecord`.
            now: On the monotonic clock.

        Returns:
            Its record, None if it cannot be given work (yet).

        Raises:
            ValueError: That is no worker's address.
        """
        supervisor_address, number = supervisor_of(address)
        supervisor = self.staffing.supervisors.get(supervisor_address)
        if supervisor is not None:
            return self._join(supervisor, number, pid, memory, now)
        if not self.staffing.was_lost(supervisor_address):
            # Its supervisor, on a connection of its own, has not been heard yet.
            early = self._early.setdefault(supervisor_address, [])
            if len(early) < _EARLY_WORKERS:
                early.append((number, pid, memory))
            if len(self._early) > _EARLY:
                del self._early[next(iter(self._early))]
        return None

    def _join(
        self, supervisor: SupervisorRecord, number: int, pid: int, memory: Any, now: float
    ) -> WorkerRecord | None:
        if number in supervisor.unheard:
            # Its end was heard first.
            supervisor.unheard.discard(number)
            return None
        if worker_address(supervisor.address, number) in self.ledger.workers:
            return None
        if supervisor.leaves == math.inf:
            supervisor.leaves = now + self._lifetime
        place = Place(supervisor.host, pid, supervisor.queue_job)
        worker = self.ledger.joined(supervisor, number, place, now)
        worker.memory = memory
        self.staffing.worked(supervisor)
        return worker

    def beat(self, address: bytes, now: float) -> None:
        """Event: a sign of life of a supervisor."""
        supervisor = self.staffing.supervisors.get(address)
        if supervisor is not None:
            self.staffing.heard(supervisor, now)
        elif self.staffing.was_lost(address):
            self.orders.append(StopSupervisor(address))

    def worker_died(self, address: bytes, number: int, report: Report, now: float) -> None:
        """Event: a supervisor says how one of its workers has ended."""
        worker = self.ledger.workers.get(worker_address(address, number))
        if worker is not None:
            self.staffing.heard(worker.supervisor, now)
            self.deaths.died(worker, report, now)
            return
        supervisor = self.staffing.supervisors.get(address)
        if supervisor is not None and report.sent:
            supervisor.unheard.add(number)

    def hung_up(self, address: bytes) -> None:
        """Event: no more can come from this address."""
        worker = self.ledger.workers.get(address)
        if worker is not None:
            worker.hung_up = True
            # Its supervisor will say why; what it would be given now would only be lost with it.
            self.ledger.retire(worker)

    def cut_off(self, address: bytes, reason: str) -> None:
        """Event: there is no way to this address any more, nor from it."""
        supervisor = self.staffing.supervisors.get(address)
        if supervisor is not None:
            self.staffing.cut_off(supervisor, reason)
        self.hung_up(address)

    def answered(
        self,
        worker: WorkerRecord,
        results: Sequence[AnsweredCalls],
        frames: Sequence[Any],
        now: float,
    ) -> None:
        """Event: a worker has answered; see `Ledger.record`."""
        ended_early = self.ledger.record(worker, results, frames, now)
        if ended_early:
            self.cancellation.take_back_rest(ended_early)

    def recalled(self, address: bytes, number: int, position: int, end: int, now: float) -> None:
        """Event: a worker will begin nothing from ``position`` to ``end`` of what it has."""
        worker = self.ledger.workers.get(worker_address(address, number))
        if worker is not None:
            self.ledger.recalled(worker, position, end, now)

    # ------------------------------------------------------------------ from the scheduler

    def scheduler_said(self, event: Event) -> None:
        """Event: the scheduler says how a request, or a queue job, fared."""
        if isinstance(event, Explained):
            self.deaths.explained(event.queue_job, event.end)
            self._tell_if_deleted(event)
            return
        hopeless = self.staffing.hear(event)
        if isinstance(event, Ended):
            self._tell_if_deleted(event)
        if hopeless is not None:
            self._give_up(hopeless)

    def _tell_if_deleted(self, event: Ended | Explained) -> None:
        if event.end.by_others and self.observers.callbacks:
            self.observers.queue_job_deleted(event.queue_job, event.end.detail)

    def not_started(self, queue_job: QueueJobRecord, reason: str, host: str = "") -> None:
        """Event: why a queue job has ended unheard; see `Staffing.not_started`."""
        self.staffing.not_started(queue_job, reason, host)

    def lost(self, supervisor: SupervisorRecord, end: End, output: str, now: float) -> None:
        """Event: a supervisor is gone with its workers; this is what its queue job has printed."""
        self.deaths.lost(supervisor, end, output, now)

    def shut_out(self, reason: str) -> None:
        """Event: nobody who comes can be let in, and it is not seen that this will change."""
        for kind in self.ledger.kinds():
            if not self.ledger.staff(kind):
                self.end_all(self.ledger.waiting_tasks(kind), SchedulerError(reason))

    def _give_up(self, hopeless: Hopeless) -> None:
        kind, reason = hopeless.kind, hopeless.reason
        if self.ledger.staff(kind):
            self.orders.append(Warn(f"no more workers can be had: {reason}"))
            return
        self.deaths.refused(kind, reason)
        self.end_all(self.ledger.waiting_tasks(kind), SchedulerError(reason))

    def end_all(self, tasks: list[Task], error: Exception) -> None:
        """Ends tasks with an error."""
        state, counts = _state_of(error), self.ledger.counts
        for task in tasks:
            if state is JobState.FAILED:
                counts.done += task.missing
                counts.failed += task.missing
            task.end(state, error)
            self.ledger.withdraw(task)
            if self.observers.callbacks:
                self.observers.job_ended(task)


def _state_of(error: Exception) -> JobState:
    return JobState.CANCELLED if isinstance(error, JobCancelled) else JobState.FAILED
