"""Which call is where since when, and which worker gets what next.

A *chunk* is a run of calls of one task that wait, or are handed out, together. Invariants:

- every call of a task that is not over is in exactly one chunk, or has been recorded;
- a chunk is in exactly one place: in the queue of its kind, or outstanding at one worker;
- the outstanding chunks of a worker are in the order of their positions;
- attempt numbers of a task only grow, and an answer counts only for an outstanding chunk.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..settings import BLOCK_SECONDS
from ..states import DeathCause
from .answers import Answers, place_of
from .capacity import Room
from .counts import Counts
from .durations import Durations
from .escalation import Escalation
from .hand_out import HandOut
from .idle_workers import IdleWorkers
from .lead import Lead
from .observers import Observers
from .orders import Assign, TakeBack
from .queues import Queue, Queues
from .rebalancing import Rebalancing, given_back
from .records import AnsweredCalls, Chunk, SupervisorRecord, Verdict, WorkerRecord
from .retries import Retries
from .task import Outcome, Place, Task


class Ledger:
    """Hands out what waits, and takes in what was done.

    Args:
        infrastructure_retries: Losses of a chunk that are forgiven.
        fresh: Whether a worker leaves after its first chunk.
        max_tasks: Chunks after which a worker leaves its place to a new one.
        remote: Whether what a worker was given may be on its way to it for long.
        observers: Who hears of events.
        room: The slots that all workers share, None if each has its own.

    Attributes:
        workers: All workers, by address.
        escalation: Who is to have more.
        lead: How far ahead of what they run workers are given work.
    """

    def __init__(
        self,
        infrastructure_retries: int = 10,
        *,
        fresh: bool = False,
        max_tasks: float = math.inf,
        remote: bool = False,
        observers: Observers | None = None,
        room: Room | None = None,
    ) -> None:
        self._observers = observers or Observers()
        self._retries = Retries(infrastructure_retries)
        self._queues = Queues()
        self._staff: collections.Counter[int] = collections.Counter()
        self._idle = IdleWorkers()
        self._durations = Durations()
        self.lead = Lead()
        self._hand_out = HandOut(
            self._queues, self._idle, self._staff, self._durations, self.lead,
            fresh=fresh, max_tasks=max_tasks, observers=self._observers, room=room,
        )  # fmt: skip
        self.workers: dict[bytes, WorkerRecord] = {}
        self.escalation = Escalation(self._queues, self._hand_out, self._put_back)
        self._answers = Answers(self._durations, self._observers, self.done, self.escalation.learn)
        self._rebalancing = Rebalancing(
            self.workers, self._queues, self._idle, self._hand_out, self.lead, remote=remote
        )

    # ------------------------------------------------------------------ what is wanted

    def submit(self, *tasks: Task) -> None:
        """Event: tasks have been started."""
        for task in tasks:
            if task.requests is not None:
                task.kind = task.requests.kind_for(task.function.key)
            self._queues.add(Chunk(task, 0, task.size))
        if self._observers.callbacks:
            self._observers.jobs_submitted(tasks)

    def backlog(self, kind: int) -> int:
        """Returns the calls that wait for a worker."""
        return self._queues.of(kind).calls

    def kinds(self) -> list[int]:
        """Returns the kinds that have calls waiting."""
        return [kind for kind, queue in self._queues.of_kind.items() if queue.calls]

    def queues(self) -> list[Queue]:
        """Returns what waits, of each kind; to be looked at and not changed."""
        return list(self._queues.of_kind.values())

    def usual_duration(self, function: bytes) -> float | None:
        """Returns the seconds that one call of a function takes, None if not yet known."""
        return self._durations.usual(function)

    def wanted(self, kind: int) -> int:
        """Returns how many workers could be put to good use, those who are busy included."""
        queue = self._queues.of(kind)
        calls = queue.calls
        busy = self._staff[kind] - len(self._idle.of(kind))
        head = queue.head()
        if head is None:
            return busy
        usual = self._durations.usual(head.task.function.key)
        if usual is not None:
            # A worker that would find less than a block's work when it arrives is not worth
            # its start.
            calls = min(calls, 1 + int(calls * usual / BLOCK_SECONDS))
        return busy + calls

    def tasks(self) -> list[Task]:
        """Returns the tasks that are not over, in the order in which they are held."""
        held = [chunk.task for worker in self.workers.values() for chunk in worker.outstanding]
        every = dict.fromkeys([*held, *self._queues.tasks()])
        return [task for task in every if not task.over]

    def waiting_tasks(self, kind: int) -> list[Task]:
        """Returns the tasks of a kind some calls of which wait."""
        return self._queues.tasks(kind)

    def label(self, kind: int) -> str:
        """Returns what people call the next task of a kind, nothing if none waits."""
        head = self._queues.of(kind).head()
        return "" if head is None else head.task.label

    def staff(self, kind: int) -> int:
        """Returns the number of workers of a kind."""
        return self._staff[kind]

    def idle(self, kind: int) -> list[WorkerRecord]:
        """Returns the workers of a kind that have nothing to do."""
        return list(self._idle.of(kind))

    def holders(self, tasks: Iterable[Task]) -> dict[Task, list[WorkerRecord]]:
        """Returns for each task the workers that hold calls of it."""
        held: dict[Task, list[WorkerRecord]] = {task: [] for task in tasks}
        for worker in self.workers.values():
            for task in {chunk.task for chunk in worker.outstanding}:
                if task in held:
                    held[task].append(worker)
        return held

    def withdraw(self, task: Task) -> None:
        """Event: a task has just become unwanted; what of it waits is not handed out."""
        self._queues.withdraw(task)

    # ------------------------------------------------------------------ workers

    def joined(
        self, supervisor: SupervisorRecord, number: int, place: Place, now: float
    ) -> WorkerRecord:
        """Event: a worker is ready for work."""
        worker = WorkerRecord(supervisor, number, place, now, self.lead.patience)
        self.workers[worker.address] = worker
        supervisor.workers[worker] = None
        self._staff[supervisor.kind] += 1
        self._idle.add(worker)
        if self._observers.callbacks:
            self._observers.worker_joined(worker)
        return worker

    def ended(
        self,
        worker: WorkerRecord,
        *,
        position: int | None = None,
        width: int = 0,
        blame: bool = True,
        final: bool = False,
        timed_out: bool = False,
        want: DeathCause | None = None,
        why: str = "its worker was lost",
    ) -> list[Verdict]:
        """Event: a worker is no more.

        Args:
            worker: It.
            position: The position that it was at; None if nobody could look, so that any call
                that it had may have ended it.
            width: How many calls from there may have ended it, 0 if it had begun none.
            blame: Whether the job that it ran is to blame; otherwise its attempt is free.
            final: Whether that job shall not be tried again.
            timed_out: Whether it was ended because that job was over its own time limit; this
                counts as a failure of the function.
            want: What the worker had too little of, if it was that: a call that may be given more
                is not tried again here, but its attempt is free.
            why: What is said of those that are tried again.

        Returns:
            The calls that are not tried again.
        """
        if self.workers.pop(worker.address, None) is None:
            return []
        worker.supervisor.workers.pop(worker, None)
        self._staff[worker.kind] -= 1
        self.retire(worker)
        held = [chunk for chunk in worker.outstanding if not chunk.task.over]
        worker.outstanding.clear()
        worker.recalling = False
        if not held:
            return []
        again, verdicts = self._retries.hold(
            held, position=position, width=width, end=worker.position,
            blame=blame, final=final, timed_out=timed_out, want=want,
        )  # fmt: skip
        self._put_back(again, "it was over its time" if timed_out else why)
        return verdicts

    def retire(self, worker: WorkerRecord) -> None:
        """Event: a worker has been told to leave, or is about to be no more; it gets no work."""
        worker.leaving = True
        self._hand_out.stop_prefetching(worker)
        self._idle.remove(worker)

    # ------------------------------------------------------------------ hand-out

    def assign(self, now: float) -> list[Assign]:
        """Returns the orders that put waiting chunks to work."""
        return self._hand_out.assign(self.workers.values(), now)

    def out_of_time(self) -> list[WorkerRecord]:
        """Returns the workers that leave because they live too short for what waits."""
        return self._hand_out.out_of_time()

    def outdated(self) -> list[WorkerRecord]:
        """Returns the workers whose place others take, for the program's code has changed."""
        return self._hand_out.outdated()

    # ------------------------------------------------------------------ answers

    def record(
        self,
        worker: WorkerRecord,
        results: Sequence[AnsweredCalls],
        frames: Sequence[Any],
        now: float,
    ) -> list[Task]:
        """Event: a worker has answered for some calls.

        Args:
            worker: The worker.
            results: What it says of them, in the order of their positions.
            frames: The buffers that they refer to, one result's after the other's.
            now: On the monotonic clock.

        Returns:
            The tasks that are over by that, though not all of their calls are answered for.
        """
        try:
            return self._answers.record(worker, results, frames, now)
        finally:
            self.answered(worker)

    def done(
        self,
        worker: WorkerRecord,
        task_id: int,
        attempt: int,
        lo: int,
        hi: int,
        *,
        wall: float,
        failed: bool,
        now: float,
        final: bool = False,
        short: bool = False,
    ) -> Task | None:
        """Event: a worker answers for some calls; `answered` is to follow.

        What is ``final`` is not tried again; what had too little memory (``short``) is, if it may
        have more.

        Returns:
            The task to record the answer for; None if it is to be dropped, because it is
            late, unknown, or the calls are tried again.
        """
        outstanding = worker.outstanding
        skipped = place_of(task_id, attempt, outstanding)
        if skipped < 0:
            return None
        chunk = outstanding[skipped]
        if not chunk.lo <= lo < hi <= chunk.hi:
            return None
        task = chunk.task
        # Answers come in the order of the positions: what stands before this one was cancelled,
        # and the worker has skipped it, or it could not be sent.
        if skipped or chunk.lo < lo:
            lost = [outstanding.popleft() for _ in range(skipped)]
            if chunk.lo < lo:
                lost.append(chunk.part(chunk.lo, lo))
            self._put_back(lost, "its answer was lost")
        rest: list[Chunk] = []
        if failed and task.fail_fast and hi < chunk.hi:
            # The worker has left it there.
            rest = [chunk.part(hi, chunk.hi)]
            chunk.hi = hi
        worker.heard = now
        worker.ran += hi - lo
        self._durations.learn(task.function.key, wall / (hi - lo))
        chunk.position += hi - chunk.lo
        chunk.lo = hi
        if chunk.lo == chunk.hi:
            outstanding.popleft()
        worker.load -= wall
        if task.over:
            return None
        if short and self.escalation.more(
            chunk.part(lo, hi), worker.kind, DeathCause.OUT_OF_MEMORY
        ):
            self._queues.put_back(rest)
            return None
        if failed and not final and chunk.errors < task.error_retries:
            again = chunk.part(lo, hi)
            again.errors += 1
            self._put_back([again, *rest], "it raised")
            return None
        # They are over with the task: the failure is still to be recorded.
        self._queues.put_back(rest)
        return task

    def answered(self, worker: WorkerRecord) -> None:
        """Event: a worker has no more to say for now; it may need something to do."""
        worker.patience = self.lead.patience
        if worker.outstanding:
            worker.load = max(0.0, worker.load)
            position = worker.outstanding[0].position
            while worker.ends and worker.ends[0] <= position:
                worker.ends.popleft()
            self._hand_out.consider_prefetching(worker)
        else:
            worker.load = 0.0
            worker.ends.clear()
            if not worker.recalling:
                self._hand_out.stop_prefetching(worker)
                self._idle.add(worker)

    @property
    def counts(self) -> Counts:
        """What was answered so far."""
        return self._answers.counts

    def count(self, task: Task, outcome: Outcome) -> None:
        """Event: an answer was recorded that is not one of a worker's."""
        self._answers.count(task, outcome)

    # ------------------------------------------------------------------ taking back

    def lopsided(self) -> bool:
        """True if somebody is idle while somebody else has more than one call to run."""
        return self._rebalancing.lopsided()

    def recalls(self, now: float) -> list[TakeBack]:
        """Returns the orders to take back what slow workers have not begun."""
        return self._rebalancing.recalls(now)

    def recall(self, worker: WorkerRecord) -> TakeBack:
        """Event: a worker is being told to begin nothing more; it gets no work meanwhile."""
        return self._rebalancing.recall(worker)

    def recalled(self, worker: WorkerRecord, position: int, end: int, now: float) -> None:
        """Event: a worker will begin nothing from ``position`` to ``end`` of what it has."""
        # With another end it is the answer to an earlier recall.
        if not worker.recalling or end != worker.position:
            return
        worker.recalling = False
        worker.heard = now
        again = given_back(worker, position)
        self._put_back(again, "another worker can begin it sooner", begun=False)
        if not worker.outstanding:
            self.answered(worker)
            return
        worker.ends = collections.deque([position])
        # It is slower than was thought: nothing more until it is done with that.
        worker.load = math.inf
        if not again:
            worker.patience *= 2

    def _put_back(self, chunks: Iterable[Chunk], reason: str, begun: bool = True) -> None:
        wanted = [chunk for chunk in chunks if chunk.task.wanted]
        self._queues.put_back(wanted)
        for chunk in wanted:
            chunk.task.put_back(reason if begun else "")
            self.counts.retried += chunk.hi - chunk.lo if begun else 0
            if self._observers.callbacks:
                self._observers.job_retried(chunk, reason, begun)
