"""Which job is where since when. Pure: events and ``now`` in, orders out.

No socket, thread, clock or pickle is in here, so every fault is a list of events in a test.
`gridengine.dispatcher.dispatcher` turns bytes into these events and these orders into bytes.

A *chunk* is a run of calls of one task that wait, or are handed out, together. Invariants:

- every call of a task that is not over is in exactly one chunk, or has been recorded;
- a chunk is in exactly one place: in the queue of its kind, or outstanding at one worker;
- the outstanding chunks of a worker are in the order of their positions;
- attempt numbers of a task only grow, and an answer counts only for an outstanding chunk.
"""

from __future__ import annotations

import collections
import math

from ..settings import AHEAD_SECONDS, BLOCK_BYTES, BLOCK_CALLS, BLOCK_SECONDS, OVERDUE
from ..states import JobState
from .durations import Durations
from .idle_workers import IdleWorkers
from .queues import Queues
from .records import Assignment, Chunk, Verdict, WorkerRecord
from .retries import Retries
from .task import Task

# Looked up for every job; see `gridengine.ledger.task`.
_RUNNING = JobState.RUNNING


class Ledger:
    """The book of one dispatcher.

    Args:
        infrastructure_retries: Losses of a chunk that are forgiven.
        fresh: Whether a worker leaves after its first chunk.
        bandwidth: Bytes per second in which arguments reach a worker.
    """

    def __init__(
        self,
        infrastructure_retries: int = 10,
        *,
        fresh: bool = False,
        bandwidth: float = math.inf,
    ) -> None:
        self._fresh = fresh
        self._bandwidth = bandwidth
        self._retries = Retries(infrastructure_retries)
        self._waiting = Queues()
        self._staff: collections.Counter[int] = collections.Counter()
        self._idle_workers = IdleWorkers()
        self._prefetching: dict[bytes, WorkerRecord] = {}
        self._paces = Durations()
        self._late: list[WorkerRecord] = []
        self.workers: dict[bytes, WorkerRecord] = {}

    # ------------------------------------------------------------------ what is wanted

    def submit(self, task: Task) -> None:
        """Event: a task has been started."""
        self._waiting.add(Chunk(task, 0, task.size))

    def backlog(self, kind: int) -> int:
        """Returns the calls that wait for a worker."""
        return self._waiting.calls[kind]

    def kinds(self) -> list[int]:
        """Returns the kinds that have calls waiting."""
        return [kind for kind, calls in self._waiting.calls.items() if calls]

    def pace(self, function: bytes) -> float | None:
        """Returns the seconds that one call of a function takes, None if not yet known."""
        return self._paces.usual(function)

    def wanted(self, kind: int) -> int:
        """Returns how many workers could be put to good use, those who are busy included."""
        calls = self.backlog(kind)
        busy = self._staff[kind] - len(self._idle_workers.of(kind))
        if not calls:
            return busy
        pace = self.pace(self._waiting.of(kind)[0].task.function.key)
        if pace is not None:
            # A worker that would find less than a block's work when it arrives is not worth
            # its start.
            calls = min(calls, 1 + int(calls * pace / BLOCK_SECONDS))
        return busy + calls

    def cancel(self, task: Task) -> list[WorkerRecord]:
        """Event: a task is over, whatever its workers say.

        Returns:
            The workers that hold some of its calls.
        """
        self._waiting.remove(task.kind, lambda each: each is task)
        if not task.attempts:
            return []
        return [
            worker
            for worker in self.workers.values()
            if any(chunk.task is task for chunk in worker.outstanding)
        ]

    def cancel_waiting(self, tasks: set[Task]) -> list[Task]:
        """Event: these tasks are unwanted. Returns those no part of which was handed out."""
        for kind in {task.kind for task in tasks}:
            self._waiting.remove(kind, tasks.__contains__)
        held = {chunk.task for worker in self.workers.values() for chunk in worker.outstanding}
        return [task for task in tasks if task not in held and not task.over]

    def tasks(self) -> list[Task]:
        """Returns the tasks that are not over, in the order in which they are held."""
        held = [chunk.task for worker in self.workers.values() for chunk in worker.outstanding]
        every = dict.fromkeys(held + self._waiting.tasks())
        return [task for task in every if not task.over]

    def give_up(self, kind: int) -> list[Task]:
        """Event: there will be no worker of this kind. Returns the tasks that wait for one."""
        return self._waiting.remove(kind, lambda _: True)

    def staff(self, kind: int) -> int:
        """Returns the number of workers of a kind."""
        return self._staff[kind]

    # ------------------------------------------------------------------ workers

    def joined(
        self,
        address: bytes,
        kind: int,
        now: float,
        *,
        deadline: float = math.inf,
        failure_group: bytes = b"",
    ) -> WorkerRecord:
        """Event: a worker is ready for work, until ``deadline``.

        ``failure_group`` is the same for workers that are lost together.
        """
        worker = WorkerRecord(address, kind, now, deadline, failure_group or address)
        self.workers[address] = worker
        self._staff[kind] += 1
        self._idle_workers.add(worker)
        return worker

    def ended(
        self,
        address: bytes,
        *,
        position: int | None = None,
        width: int = 0,
        blame: bool = True,
        final: bool = False,
    ) -> list[Verdict]:
        """Event: a worker is no more.

        Args:
            address: Its routing id.
            position: The position that it was at; None if nobody could look, so that any call
                that it had may have ended it.
            width: How many calls from there may have ended it, 0 if it had begun none.
            blame: Whether the job that it ran is to blame; otherwise its attempt is free.
            final: Whether that job shall not be tried again.

        Returns:
            The calls that are not tried again.
        """
        worker = self.workers.pop(address, None)
        if worker is None:
            return []
        self._staff[worker.kind] -= 1
        self._idle_workers.remove(worker)
        self._prefetching.pop(address, None)
        held = [chunk for chunk in worker.outstanding if not chunk.task.over]
        if not held:
            return []
        again, verdicts = self._retries.hold(
            held, position=position, width=width, end=worker.position, blame=blame, final=final
        )
        self._put_back(again)
        return verdicts

    def idle_since(self, kind: int) -> list[WorkerRecord]:
        """Returns the workers of a kind that have nothing to do."""
        return list(self._idle_workers.of(kind).values())

    def retire(self, worker: WorkerRecord) -> None:
        """Event: a worker has been told to leave, or is about to be no more; it gets no work."""
        worker.leaving = True
        self._prefetching.pop(worker.address, None)
        self._idle_workers.remove(worker)

    # ------------------------------------------------------------------ hand-out

    def assign(self, now: float) -> list[Assignment]:
        """Returns the orders that put waiting chunks to work.

        Idle workers come first; a busy one gets its next block before it has finished the
        last, if that will not take long by what such calls have taken so far.
        """
        orders: list[Assignment] = []
        for kind, queue in self._waiting.queues.items():
            while queue and self._idle_workers.of(kind):
                worker = self._idle_workers.take(queue[0], self.workers.values())
                if worker is None:
                    break
                if self._has_time(worker, queue[0], now):
                    self._assign(worker, queue, now, orders)
                else:
                    worker.leaving = True
                    self._late.append(worker)
                    self._idle_workers.remove(worker)
        if any(self._waiting.queues.values()):
            for worker in list(self._prefetching.values()):
                queue = self._waiting.of(worker.kind)
                if (
                    queue
                    and self._may_wait(queue, worker)
                    and self._has_time(worker, queue[0], now)
                ):
                    self._assign(worker, queue, now, orders)
        return orders

    def _may_wait(self, queue: collections.deque[Chunk], worker: WorkerRecord) -> bool:
        """Tells whether the next chunk may wait behind what a busy worker still has to run."""
        cost = self._paces.estimate(queue[0])
        if worker.load < BLOCK_SECONDS:
            return cost < math.inf
        # The last chunks wait for whoever is free first.
        return cost < AHEAD_SECONDS and len(queue) > self._staff[worker.kind]

    def _has_time(self, worker: WorkerRecord, chunk: Chunk, now: float) -> bool:
        """Tells whether a worker will live long enough, by what such calls have taken at most."""
        if worker.deadline == math.inf or not worker.ran:
            # A fresh one has all the time that there is: if that is too little, it must show.
            return True
        return now + worker.load + self._paces.longest(chunk) < worker.deadline

    def out_of_time(self) -> list[WorkerRecord]:
        """Returns the orders to have workers leave that live too short for what waits."""
        late, self._late = self._late, []
        return late

    def _assign(
        self,
        worker: WorkerRecord,
        queue: collections.deque[Chunk],
        now: float,
        orders: list[Assignment],
    ) -> None:
        chunks = self._block(worker, queue, now)
        if self._fresh:
            worker.leaving = True
        else:
            self._appease(worker)
        orders.append(Assignment(worker, chunks))

    def _block(
        self, worker: WorkerRecord, queue: collections.deque[Chunk], now: float
    ) -> list[Chunk]:
        # No more than a fair share of what waits: the last blocks decide when all is done.
        share = len(queue) // (2 * self._staff[worker.kind])
        most = 1 if self._fresh else min(BLOCK_CALLS, 1 + share)
        block: list[Chunk] = []
        begin = worker.position
        seconds = 0.0
        size = 0
        estimate = self._paces.estimate
        while queue and len(block) < most:
            chunk = queue[0]
            cost = estimate(chunk)
            if block and (seconds + cost > BLOCK_SECONDS or size > BLOCK_BYTES):
                break
            queue.popleft()
            self._hand_out(chunk, worker, now)
            block.append(chunk)
            size += bytes_of(chunk.task)
            seconds += cost
        self._waiting.calls[worker.kind] -= worker.position - begin
        worker.load += seconds
        worker.block += 1
        worker.ends.append(worker.position)
        worker.heard = now
        return block

    def _hand_out(self, chunk: Chunk, worker: WorkerRecord, now: float) -> None:
        task = chunk.task
        task.attempts += 1
        task.state = _RUNNING
        chunk.attempt = task.attempts
        chunk.position = worker.position
        chunk.since = now
        worker.position += chunk.hi - chunk.lo
        worker.outstanding.append(chunk)

    # ------------------------------------------------------------------ answers

    def done(
        self,
        worker: WorkerRecord,
        task: int,
        attempt: int,
        lo: int,
        hi: int,
        *,
        wall: float,
        failed: bool,
        now: float,
    ) -> Task | None:
        """Event: a worker answers for some calls; `answered` is to follow.

        Returns:
            The task to record the answer for; None if it is to be dropped, because it is
            late, unknown, or the calls are tried again.
        """
        outstanding = worker.outstanding
        skipped = _place_of(task, attempt, outstanding)
        if skipped < 0:
            return None
        chunk = outstanding[skipped]
        if not chunk.lo <= lo < hi <= chunk.hi:
            return None
        # Answers come in the order of the positions: what stands before this one was
        # cancelled, and the worker has skipped it, or its answer was lost on the way.
        if skipped or chunk.lo < lo:
            lost = [outstanding.popleft() for _ in range(skipped)]
            if chunk.lo < lo:
                lost.append(chunk.part(chunk.lo, lo))
            self._put_back([each for each in lost if not each.task.over])
        rest: list[Chunk] = []
        if failed and chunk.task.fail_fast and hi < chunk.hi:
            # The worker has left it there.
            rest = [chunk.part(hi, chunk.hi)]
            chunk.hi = hi
        worker.heard = now
        worker.ran += hi - lo
        self._paces.learn(chunk.task.function.key, wall / (hi - lo))
        chunk.position += hi - chunk.lo
        chunk.lo = hi
        if chunk.lo == chunk.hi:
            outstanding.popleft()
        worker.load -= wall
        if chunk.task.over:
            return None
        if failed and chunk.errors < chunk.task.error_retries:
            again = chunk.part(lo, hi)
            again.errors += 1
            self._put_back([again, *rest])
            return None
        return chunk.task

    def answered(self, worker: WorkerRecord) -> None:
        """Event: a worker has no more to say for now; it may need something to do."""
        if worker.outstanding:
            worker.load = max(0.0, worker.load)
            position = worker.outstanding[0].position
            while worker.ends and worker.ends[0] <= position:
                worker.ends.popleft()
            self._appease(worker)
        else:
            worker.load = 0.0
            worker.ends.clear()
            if not worker.recalling:
                self._prefetching.pop(worker.address, None)
                self._idle_workers.add(worker)

    def _appease(self, worker: WorkerRecord) -> None:
        """Notes whether a busy worker should have its next block by now."""
        room = worker.load < AHEAD_SECONDS and len(worker.ends) < 2
        if room and not worker.recalling and not worker.leaving:
            self._prefetching[worker.address] = worker
        else:
            self._prefetching.pop(worker.address, None)

    def idle(self, address: bytes, block: int, now: float) -> None:
        """Event: a worker says that it has nothing left of the blocks that it has heard.

        What is still outstanding from those was lost on the way and is tried again.
        """
        worker = self.workers.get(address)
        if worker is None or block < worker.block or not worker.outstanding:
            return
        lost = [chunk for chunk in worker.outstanding if not chunk.task.over]
        worker.outstanding.clear()
        for chunk in lost:
            chunk.losses += 1
        self._put_back(lost)
        self.answered(worker)

    def missed(self, address: bytes, task: int, attempt: int) -> None:
        """Event: a worker says that it cannot run a chunk, and has not; it is tried again."""
        worker = self.workers.get(address)
        if worker is None:
            return
        for chunk in worker.outstanding:
            if chunk.task.id == task and chunk.attempt == attempt:
                break
        else:
            return
        worker.outstanding.remove(chunk)
        chunk.losses += 1
        if not chunk.task.over:
            self._put_back([chunk])
        self.answered(worker)

    # ------------------------------------------------------------------ taking back

    def lopsided(self) -> bool:
        """True if somebody is idle while somebody else has more than one call to run."""
        return bool(self._idle_workers) and any(map(self._unbegun, self.workers.values()))

    def recalls(self, now: float) -> list[WorkerRecord]:
        """Returns the orders to take back what slow workers have not begun.

        That is worth it where somebody is idle and nothing waits; or where something waits behind
        a call that takes far longer than its like.
        """
        return [
            self.recall(worker)
            for worker in self.workers.values()
            if now - worker.heard > 2 * BLOCK_SECONDS
            and not worker.recalling
            and (
                self._unbegun(worker)
                if self._idle_workers.of(worker.kind) and not self.backlog(worker.kind)
                else now - worker.heard > OVERDUE and len(worker.outstanding) > 1
            )
            and now - worker.heard > 2 * BLOCK_SECONDS + transit(worker, self._bandwidth)
        ]

    def _unbegun(self, worker: WorkerRecord) -> bool:
        return len(worker.outstanding) > 1 or any(
            chunk.hi - chunk.lo > 1 for chunk in worker.outstanding
        )

    def recall(self, worker: WorkerRecord) -> WorkerRecord:
        """Event: a worker is being told to begin nothing more; it gets no work meanwhile."""
        worker.recalling = True
        self._prefetching.pop(worker.address, None)
        return worker

    def recalled(self, address: bytes, position: int, end: int, now: float) -> None:
        """Event: a worker will begin nothing from ``position`` to ``end`` of what it has."""
        worker = self.workers.get(address)
        # With another end it is the answer to an earlier recall, said once more.
        if worker is None or not worker.recalling or end != worker.position:
            return
        worker.recalling = False
        worker.heard = now
        again: list[Chunk] = []
        while worker.outstanding:
            chunk = worker.outstanding[-1]
            cut = chunk.lo + position - chunk.position
            if cut >= chunk.hi:
                break
            if cut <= chunk.lo:
                worker.outstanding.pop()
                again.append(chunk)
                continue
            again.append(chunk.part(cut, chunk.hi))
            chunk.hi = cut
            break
        self._put_back([chunk for chunk in reversed(again) if not chunk.task.over])
        if worker.outstanding:
            worker.ends = collections.deque([position])
            # It is slower than was thought: nothing more until it is done with that.
            worker.load = math.inf
        else:
            self.answered(worker)

    def _put_back(self, chunks: list[Chunk]) -> None:
        self._waiting.put_back(chunks)
        for chunk in chunks:
            if chunk.task.size == 1:
                chunk.task.state = JobState.QUEUED


def _place_of(task: int, attempt: int, outstanding: collections.deque[Chunk]) -> int:
    """Returns where a task's chunk stands, -1 if it is not there; nearly always it is first."""
    for place, chunk in enumerate(outstanding):
        if chunk.task.id == task and chunk.attempt == attempt:
            return place
    return -1


def transit(worker: WorkerRecord, bandwidth: float) -> float:
    """Returns the seconds that what a worker was given may be on its way."""
    tasks = {chunk.task for chunk in worker.outstanding}
    return sum(map(bytes_of, tasks)) / bandwidth


def bytes_of(task: Task) -> int:
    """Returns the size of a task's packed arguments."""
    size = len(task.payload)
    if task.frames:
        size += sum(frame.nbytes for frame in task.frames)
    return size
