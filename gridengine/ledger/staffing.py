"""How many workers there are to be: queue jobs that are asked for, and the supervisors in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

from msgspec import Struct

from ..schedulers.base import FIRST_BATCH
from ..schedulers.events import (
    Delayed,
    End,
    Ended,
    Event,
    Notice,
    Refused,
    Standing,
    Stuck,
    Submitted,
    Waiting,
)
from ..states import DeathCause
from .capacity import Capacity
from .demand import Demand
from .observers import Observers
from .orders import (
    AdjustStaff,
    AskWhy,
    DeleteQueueJobs,
    Inform,
    Order,
    ReadOutput,
    RequestQueueJobs,
    StopSupervisor,
    Warn,
)
from .records import QueueJobRecord, QueueJobRequest, SupervisorRecord, WorkerRecord
from .silence import Silence
from .start_failures import StartFailures, counted, named
from .waiting_reasons import WaitingReasons

#: Seconds between two looks at who is silent, at most, in a program that runs.
_LOOK_SECONDS = 0.5


class Hopeless(Struct, frozen=True):
    """No worker of a kind can be had; ``reason`` says why."""

    kind: int
    reason: str


class Staffing:
    """Hires and dismisses.

    Args:
        capacity: What the scheduler allows for.
        patience: Seconds of silence after which a supervisor counts as lost.
        resubmissions: Waves of queue jobs that may fail to start, one after the other.
        orders: What is to be done is added to it.
        observers: Who hears of events.
        retire: Has a worker get no work any more.
        demand: When to ask for more.
        remote: Whether a batch system may suspend queue jobs.

    Attributes:
        supervisors: All that have said their first word and are not lost, by address.
        queue_jobs: All that are not over, by name.
        silence: Whose silence means what.
        waiting: Why those wait that do.
    """

    def __init__(
        self,
        capacity: Capacity,
        *,
        patience: float,
        resubmissions: int,
        orders: list[Order],
        observers: Observers,
        retire: Callable[[WorkerRecord], None],
        demand: Demand,
        remote: bool = False,
    ) -> None:
        self._retire = retire
        self._demand = demand
        self._capacity = capacity
        self._orders = orders
        self._observers = observers
        self.silence = Silence(
            patience, remote=remote, orders=orders, observers=observers, retire=retire
        )
        self._batches = itertools.count(FIRST_BATCH)
        self._requests: dict[int, QueueJobRequest] = {}
        self._failures = StartFailures(resubmissions, orders)
        self._lost: set[bytes] = set()
        self._looked = 0.0
        self.supervisors: dict[bytes, SupervisorRecord] = {}
        self.queue_jobs: dict[str, QueueJobRecord] = {}
        known = self.queue_jobs, self._requests, self._failures
        self.waiting = WaitingReasons(*known, orders, observers)

    # ------------------------------------------------------------------ hiring

    def started_early(self) -> None:
        """Event: one queue job of the first kind was asked for before all else."""
        self._requests[next(self._batches)] = QueueJobRequest(0, 1)

    def hire(self, wanted: Mapping[int, int], now: float) -> None:
        """Orders what it takes until as many workers as wanted work, or are on their way.

        Args:
            wanted: All that are wanted of each kind that has work waiting, those who are there
                included.
            now: On the monotonic clock.
        """
        self._demand.is_only_of(wanted.keys())
        for kind, workers in wanted.items():
            each = self._capacity.workers_in(kind)
            unmet = self._place(kind, workers)
            count = 0
            # Not for those who have enough: all queue jobs are looked at.
            if unmet > 0 and (count := -(-unmet // each) - self._on_their_way(kind)) > 0:
                count = min(count, self._capacity.max_queue_jobs - self._total(kind))
            if self._demand.is_told(kind, count, now):
                batch = next(self._batches)
                avoid, wave = self._failures.avoided(now), self._failures.wave(kind)
                self._requests[batch] = QueueJobRequest(kind, count, now, wave, avoid)
                order = RequestQueueJobs(batch, kind, count, min(each, unmet), avoid)
                self._orders.append(order)

    def _place(self, kind: int, wanted: int) -> int:
        """Has the supervisors that are there have the workers that are wanted.

        Returns:
            How many of them are to be had of others.
        """
        each = self._capacity.workers_in(kind)
        for supervisor in self.supervisors.values():
            if supervisor.kind != kind:
                continue
            if supervisor.leaving:
                # Its workers count as busy until they are gone.
                wanted -= len(supervisor.workers)
                continue
            more = min(each, wanted)
            wanted -= each
            if more > supervisor.staff:
                supervisor.staff = more
                self._orders.append(AdjustStaff(supervisor))
        return wanted

    def due(self) -> float:
        """Returns when `hire` must be called again, whatever happens."""
        return self._demand.due()

    def _pending(self, kind: int) -> list[QueueJobRecord]:
        """Returns the queue jobs of a kind whose supervisor has not been heard, and is wanted."""
        return [
            record
            for record in self.queue_jobs.values()
            if record.kind == kind and not record.supervisors and not record.deleting
        ]

    def _on_their_way(self, kind: int) -> int:
        requested = sum(each.count for each in self._requests.values() if each.kind == kind)
        return requested + len(self._pending(kind))

    def _total(self, kind: int) -> int:
        """Returns how many queue jobs there are beside which one of a kind is to fit."""
        apart = self._capacity.room is not None
        records = [each for each in self.queue_jobs.values() if not each.deleting]
        live = sum(not apart or each.kind == kind for each in records)
        requests = self._requests.values()
        return live + sum(each.count for each in requests if not apart or each.kind == kind)

    def staffed(self) -> bool:
        """Tells whether there is a queue job whose supervisor has been heard, and may be again."""
        return any(record.supervisors and not record.silent for record in self.queue_jobs.values())

    def is_silent(self, supervisor: SupervisorRecord) -> bool:
        """Tells whether no word of a supervisor is to be expected soon."""
        record = self.queue_jobs.get(supervisor.queue_job)
        return record is not None and record.silent

    def dismiss_pending(self, kind: int) -> None:
        """Orders the end of the queue jobs of a kind that have not started: nothing waits."""
        self._delete(self._pending(kind))

    def dismiss_surplus(self, kind: int, wanted: int, now: float) -> None:
        """Orders the end of those that have not started, and for which too little work is left."""
        each = self._capacity.workers_in(kind)
        needed = -(-max(0, self._place(kind, wanted)) // each)
        surplus = self._demand.superfluous(kind, self._on_their_way(kind) - needed, now)
        if surplus:
            # Those that have waited longest are next.
            self._delete(self._pending(kind)[-surplus:])

    def leaves(self, worker: WorkerRecord, now: float) -> None:
        """Event: a worker is about to be told to leave.

        If it has had its time, whoever waits for its place shall have it before others of this
        program that may have asked earlier: those are asked for anew, behind them.
        """
        supervisor = worker.supervisor
        supervisor.leaving = all(each.leaving for each in supervisor.workers)
        if now >= supervisor.leaves:
            # Several leave at about the same time: what was asked for anew a moment ago stays.
            long_ago = now - self._capacity.lifetime / 2
            self._delete([r for r in self._pending(worker.kind) if r.since <= long_ago])

    def _delete(self, queue_jobs: list[QueueJobRecord]) -> None:
        if queue_jobs:
            for record in queue_jobs:
                record.deleting = True
            self._orders.append(DeleteQueueJobs(tuple(record.name for record in queue_jobs)))

    # ------------------------------------------------------------------ who is there

    def arrived(self, supervisor: SupervisorRecord) -> bool:
        """Event: a supervisor has said its first word; tells whether it may stay."""
        name = supervisor.queue_job
        record = self.queue_jobs.get(name)
        if record is not None and record.deleting:
            # It shall begin nothing that its end would cut off.
            self._lost.add(supervisor.address)
            self._orders.append(StopSupervisor(supervisor.address))
            return False
        self.supervisors[supervisor.address] = supervisor
        if record is None:
            # Its word may come before the batch system's.
            record = self.queue_jobs[name] = QueueJobRecord(name, supervisor.kind)
        record.supervisors.append(supervisor)
        record.reason = ""
        self._orders.append(Inform(f"queue job {name} has started on {supervisor.host}"))
        if self._observers.callbacks:
            self._observers.queue_job_started(name, supervisor.host)
        return True

    def refused(self, supervisor: SupervisorRecord, reason: str) -> bool:
        """Event: one that cannot work for this program; tells whether its queue job is known."""
        self._orders.append(StopSupervisor(supervisor.address))
        record = self.queue_jobs.get(supervisor.queue_job)
        if record is not None and not record.deleting:
            self._lost.add(supervisor.address)
            self.not_started(record, reason, supervisor.host)
            self._delete([record])
        return record is not None

    def worked(self, supervisor: SupervisorRecord) -> None:
        """Event: one of a supervisor's workers has said its first word."""
        supervisor.worked = True
        self._failures.started(supervisor.kind, supervisor.host)

    def was_lost(self, address: bytes) -> bool:
        """Tells whether a supervisor has been counted as lost; its jobs are somebody else's."""
        return address in self._lost

    def look_for_silent(self, now: float) -> None:
        """Counts the supervisors as lost that have not spoken for too long; see `silence`."""
        if now - self._looked > _LOOK_SECONDS + self.silence.patience / 2:
            # This program has not run for a while (Ctrl-Z, a busy host), and not listened
            # either: what they said meanwhile waits to be read.
            for supervisor in self.supervisors.values():
                supervisor.heard = now
        self._looked = now
        for supervisor in self.silence.lost(self.supervisors.values(), self.queue_jobs, now):
            silent = f"nothing heard of {supervisor.host} for {now - supervisor.heard:.0f} s"
            self.cut_off(supervisor, silent)

    def cut_off(self, supervisor: SupervisorRecord, detail: str) -> None:
        """Event: no more is heard of a supervisor, and this is why."""
        self._lose(supervisor, End(cause=DeathCause.NODE_LOST, detail=detail))
        # Should it still run, its workers are not to be waited for.
        record = self.queue_jobs.get(supervisor.queue_job)
        self._delete([record] if record is not None else [])

    def heard(self, supervisor: SupervisorRecord, now: float) -> None:
        """Event: a supervisor, or a worker of its, has spoken."""
        supervisor.heard = now
        self.silence.heard(self.queue_jobs.get(supervisor.queue_job))

    def _lose(self, supervisor: SupervisorRecord, end: End) -> None:
        del self.supervisors[supervisor.address]
        self._lost.add(supervisor.address)
        detail = f": {end.detail}" if end.detail else ""
        self._orders.append(
            Inform(
                f"queue job {supervisor.queue_job} on {supervisor.host} is over, with "
                f"{counted(len(supervisor.workers), 'worker')}{detail}"
            )
        )
        for worker in supervisor.workers:
            self._retire(worker)
        self._orders.append(ReadOutput(supervisor, end))

    # ------------------------------------------------------------------ the scheduler's word

    def hear(self, event: Event) -> Hopeless | None:
        """Event: what the scheduler says; returns what cannot be had any more."""
        hopeless = None
        if isinstance(event, Submitted):
            self._submitted(event)
        elif isinstance(event, Refused):
            request = self._requests.pop(event.batch, None)
            if request is not None:
                reason = self._failures.refused(event.reason, request.avoid, self._looked)
                hopeless = Hopeless(request.kind, reason)
        elif isinstance(event, Ended):
            self._ended(event)
        elif isinstance(event, Stuck):
            self._stuck(event)
        elif isinstance(event, Standing):
            known = (self.queue_jobs.get(name) for name in event.queue_jobs)
            self.silence.told([record for record in known if record], event.suspended, self._looked)
        elif isinstance(event, Waiting):
            self.waiting.waits(event)
        elif isinstance(event, Delayed):
            self.waiting.delayed(event)
        elif isinstance(event, Notice):
            self._warn(event.text)
            if self._observers.callbacks:
                self._observers.notice_given(event.text)
        return hopeless

    def _submitted(self, event: Submitted) -> None:
        request = self._requests.get(event.batch)
        if request is None:
            return
        for name in event.queue_jobs:
            self.queue_jobs.setdefault(name, request.record(name))
        self._orders.append(Inform(f"submitted {named(event.queue_jobs)}"))
        # A batch that is larger than the site allows is taken in parts.
        request.count -= len(event.queue_jobs)
        if request.count <= 0:
            del self._requests[event.batch]
        if self._observers.callbacks:
            self._observers.queue_jobs_submitted(event.queue_jobs)

    def _ended(self, event: Ended) -> None:
        record = self.queue_jobs.pop(event.queue_job, None)
        if self._observers.callbacks:
            self._observers.queue_job_over(event.queue_job, event.end.detail)
        if record is None:
            return
        for supervisor in record.supervisors:
            if supervisor.address in self.supervisors:
                self._lose(supervisor, event.end)
        worked = any(supervisor.worked for supervisor in record.supervisors)
        in_vain = event.end.exitcode != 0 or not record.supervisors
        if in_vain and not worked and not record.deleting:
            self._orders.append(AskWhy(record, event.end))

    def _stuck(self, event: Stuck) -> None:
        record = self.queue_jobs.get(event.queue_job)
        if self._observers.callbacks:
            self._observers.queue_job_waiting(event.queue_job, event.reason)
        if record is None or record.deleting:
            return
        self.not_started(record, event.reason)
        self._delete([record])

    def not_started(self, record: QueueJobRecord, reason: str, host: str = "") -> None:
        """Event: this is why a queue job has ended before its supervisor was heard.

        Args:
            record: It.
            reason: Why.
            host: The host from which this program was not reached; empty if it was not that.
        """
        self._failures.failed(record, reason, host, self._looked)

    def failures(self, now: float) -> list[Hopeless]:
        """Returns what cannot be had any more, since too many of it did not start.

        What waits, and may go to a host that is no use, is deleted: it is asked for anew.
        """
        if avoided := set(self._failures.avoided(now)):
            kinds = {record.kind for record in self.queue_jobs.values()}
            pending = [record for kind in kinds for record in self._pending(kind)]
            self._delete([record for record in pending if not avoided.issubset(record.avoid)])
        return [Hopeless(kind, reason) for kind, reason in self._failures.settle(now)]

    def _warn(self, text: str) -> None:
        self._orders.append(Warn(text))
