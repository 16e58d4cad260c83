"""Which worker gets which chunks next, and how many of them in one message."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable

from ..errors import JobCancelled
from ..settings import BLOCK_BYTES, BLOCK_CALLS
from ..states import JobState
from .capacity import Room
from .durations import Durations
from .idle_workers import IdleWorkers
from .lead import Lead
from .observers import Observers
from .orders import Assign
from .queues import Queue, Queues
from .records import Chunk, WorkerRecord
from .task import Task

# Looked up for every job; see `gridengine.ledger.task`.
_RUNNING = JobState.RUNNING


class HandOut:
    """Puts waiting chunks to work.

    Args:
        queues: What waits.
        idle: The workers that have nothing to do.
        staff: How many workers of each kind there are.
        durations: How long calls take.
        lead: How much a worker is given ahead.
        fresh: Whether a worker leaves after its first chunk.
        max_tasks: Chunks after which a worker leaves its place to a new one.
        observers: Who hears of events.
        room: The slots that all workers share, None if each has its own.

    Attributes:
        helpers: Kinds of workers that do, when they have nothing to do, what waits for those of
            other kinds.
    """

    def __init__(
        self,
        queues: Queues,
        idle: IdleWorkers,
        staff: collections.Counter[int],
        durations: Durations,
        lead: Lead,
        *,
        fresh: bool,
        max_tasks: float,
        observers: Observers,
        room: Room | None = None,
    ) -> None:
        self._queues = queues
        self._idle = idle
        self._staff = staff
        self._durations = durations
        self._lead = lead
        self._fresh = fresh
        self._max_tasks = max_tasks
        self._observers = observers
        self._room = room
        self._prefetching: dict[WorkerRecord, None] = {}
        self._late: list[WorkerRecord] = []
        self._outdated: list[WorkerRecord] = []
        self.helpers: dict[int, dict[int, None]] = {}

    def consider_prefetching(self, worker: WorkerRecord) -> None:
        """Notes whether a busy worker should have its next block by now."""
        room = worker.load < self._lead.ahead and len(worker.ends) < 2
        if room and worker.outstanding and not worker.recalling and not worker.leaving:
            self._prefetching[worker] = None
        else:
            self._prefetching.pop(worker, None)

    def stop_prefetching(self, worker: WorkerRecord) -> None:
        """Notes that a worker shall not have its next block before it has finished the last."""
        self._prefetching.pop(worker, None)

    def assign(self, everybody: Iterable[WorkerRecord], now: float) -> list[Assign]:
        """Returns the orders that put waiting chunks to work.

        Idle workers come first; a busy one gets its next block before it has finished the
        last, if that will not take long by what such calls have taken so far.
        """
        orders: list[Assign] = []
        if self._room is not None and len(self._queues.of_kind) > 1:
            # Of one kind there are no more workers than may be at work.
            kinds = {worker.kind for worker in everybody if worker.outstanding}
            kinds |= {kind for kind, queue in self._queues.of_kind.items() if queue.calls}
            if len(kinds) > 1:
                self._share_room(self._room, everybody, now, orders)
                return orders
        for kind, queue in self._queues.of_kind.items():
            self._hand_to_idle(queue, kind, everybody, now, orders)
        for kind, others in self.helpers.items():
            for other in others:
                self._hand_to_idle(self._queues.of(other), kind, everybody, now, orders)
        if self._prefetching and any(queue.calls for queue in self._queues.of_kind.values()):
            for worker in list(self._prefetching):
                queue = self._queues.of(worker.kind)
                head = queue.head()
                if (
                    head is not None
                    and self._may_wait(head, queue, worker)
                    and _has_its_code(worker, head)
                    and worker.given < self._max_tasks
                    and self._has_time(worker, head, now)
                ):
                    self._assign(worker, queue, now, orders)
        return orders

    def _share_room(
        self, room: Room, everybody: Iterable[WorkerRecord], now: float, orders: list[Assign]
    ) -> None:
        """Puts what waits to work, as far as there is room, what waits longest first.

        A busy worker gets nothing more meanwhile: it would keep its room.
        """
        stuck: set[int] = set()
        while True:
            heads = [(kind, queue.head()) for kind, queue in self._queues.of_kind.items()]
            waiting = sorted((head.task.id, kind) for kind, head in heads if head is not None)
            for _, kind in waiting:
                if kind in stuck or not self._idle.of(kind):
                    continue
                number, first = waiting[0]
                if room.is_for(kind, first, number, everybody):
                    before = len(orders)
                    queue = self._queues.of_kind[kind]
                    self._hand_to_idle(queue, kind, everybody, now, orders, before + 1)
                    if len(orders) == before:
                        stuck.add(kind)
                    break
            else:
                return

    def _hand_to_idle(
        self,
        queue: Queue,
        kind: int,
        everybody: Iterable[WorkerRecord],
        now: float,
        orders: list[Assign],
        most: float = math.inf,
    ) -> None:
        """Puts what waits in a queue to work, as far as there are idle workers of a kind.

        Until there are so many orders, at most.
        """
        while queue.calls and self._idle.of(kind) and len(orders) < most:
            head = queue.head()
            worker = None if head is None else self._idle.take(head, kind, everybody)
            if head is None or worker is None:
                return
            if not _has_its_code(worker, head) or worker.given >= self._max_tasks:
                self._have_leave(worker, self._outdated)
            elif not self._has_time(worker, head, now):
                self._have_leave(worker, self._late)
            else:
                self._assign(worker, queue, now, orders)

    def _may_wait(self, head: Chunk, queue: Queue, worker: WorkerRecord) -> bool:
        """Tells whether the next chunk may wait behind what a busy worker still has to run."""
        cost = self._durations.estimate(head)
        if worker.load < self._lead.block:
            return cost < math.inf
        # The last chunks wait for whoever is free first.
        return cost < self._lead.ahead and len(queue.chunks) > self._staff[worker.kind]

    def _has_time(self, worker: WorkerRecord, chunk: Chunk, now: float) -> bool:
        """Tells whether a worker will live long enough, by what such calls have taken at most."""
        supervisor = worker.supervisor
        if now >= supervisor.leaves:
            return False
        if supervisor.deadline == math.inf or not worker.ran:
            # A fresh one has all the time that there is: if that is too little, it must show.
            return True
        return now + worker.load + self._durations.longest(chunk) < supervisor.deadline

    def out_of_time(self) -> list[WorkerRecord]:
        """Returns the orders to have workers leave that live too short for what waits."""
        late, self._late = self._late, []
        return late

    def outdated(self) -> list[WorkerRecord]:
        """Returns the workers that leave because they may have imported what there is no more.

        Or because they have had as many chunks as they may.
        """
        outdated, self._outdated = self._outdated, []
        return outdated

    def _have_leave(self, worker: WorkerRecord, leaving: list[WorkerRecord]) -> None:
        worker.leaving = True
        self._idle.remove(worker)
        leaving.append(worker)

    def _assign(self, worker: WorkerRecord, queue: Queue, now: float, orders: list[Assign]) -> None:
        chunks = self._block(worker, queue, now)
        if not chunks:
            if not worker.outstanding:
                self._idle.add(worker)
            return
        if self._fresh:
            worker.leaving = True
        else:
            self.consider_prefetching(worker)
        if self._observers.callbacks:
            self._observers.jobs_started(chunks, worker)
        orders.append(Assign(worker, chunks))

    def _block(self, worker: WorkerRecord, queue: Queue, now: float) -> list[Chunk]:
        waiting, strays = queue.chunks, queue.strays
        # No more than a fair share of what waits: the last blocks decide when all is done.
        share = len(waiting) // (2 * self._staff[worker.kind])
        most = 1 if self._fresh else min(BLOCK_CALLS, 1 + share, self._max_tasks - worker.given)
        block: list[Chunk] = []
        begin = position = worker.position
        seconds = cost = 0.0
        size = 0
        function, duration = None, None
        outstanding, place, longest = worker.outstanding, worker.place, self._lead.block
        while waiting and len(block) < most:
            chunk = waiting[0]
            task = chunk.task
            if queue.cancelled and not task.wanted:
                waiting.popleft()
                continue
            # Jobs of one function stand together, as a rule.
            if task.function is not function:
                if block and task.function.code > worker.code:
                    break
                function = task.function
                worker.code = max(worker.code, function.code)
                duration = self._durations.of(function.key)
            calls = chunk.hi - chunk.lo
            if duration is None or chunk.one_at_a_time or chunk.isolated:
                cost = math.inf
            else:
                cost = duration.usual * calls
            if block and (seconds + cost > longest or size > BLOCK_BYTES):
                break
            if task.on_start is not None and not task.attempts and not task.on_start(task):
                self._end_unwanted(task, queue)
                if block:
                    # What is not wanted may have been purged.
                    waiting = queue.chunks
                    continue
                # What is next may be for another worker.
                return block
            waiting.popleft()
            task.attempts = chunk.attempt = task.attempts + 1
            task.state = _RUNNING
            task.place = place
            chunk.position = position
            chunk.since = now
            position += calls
            if strays and task in strays:
                queue.handed_out(chunk)
            else:
                task.waiting -= calls
            outstanding.append(chunk)
            block.append(chunk)
            size += len(task.payload) if not task.frames else bytes_of(task)
            seconds += cost
        worker.position = position
        queue.calls -= position - begin
        worker.load += seconds
        worker.block += 1
        worker.given += len(block)
        worker.ends.append(position)
        worker.heard = now
        return block

    def _end_unwanted(self, task: Task, queue: Queue) -> None:
        """Ends a task, the next one, whose owner does not want it any more."""
        task.end(JobState.CANCELLED, JobCancelled(f"job {task.name!r} was cancelled before it ran"))
        queue.cancel(task)
        if self._observers.callbacks:
            self._observers.job_ended(task)


def _has_its_code(worker: WorkerRecord, chunk: Chunk) -> bool:
    """Tells whether a worker cannot have imported what the program of the chunk has no more."""
    return not worker.block or chunk.task.function.code <= worker.code


def bytes_of(task: Task) -> int:
    """Returns the size of a task's packed arguments."""
    size = len(task.payload)
    if task.frames:
        size += sum(frame.nbytes for frame in task.frames)
    return size
