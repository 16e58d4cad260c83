"""Why a job stands where it stands, in words: any thread may ask, and nobody waits for it.

Looked up only when it is asked for, as `gridengine.dispatcher.overview` does: the dispatcher's
thread goes on meanwhile, so that what is said may be of a moment ago.
"""

from __future__ import annotations

import collections
import math
import time

from ..ledger.start_failures import counted
from ..states import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ledger.dispatcher_state import DispatcherState
    from ..ledger.records import Chunk, QueueJobRecord, SupervisorRecord, WorkerRecord
    from ..ledger.task import Task
    from ..schedulers.base import Scheduler

_REASONS = 2  # reasons that are named, if queue jobs wait for different ones


class StateReasons:
    """Tells why, of one dispatcher.

    Args:
        state: What it knows.
        scheduler: Says how many workers there may be.
    """

    def __init__(self, state: DispatcherState, scheduler: Scheduler) -> None:
        self._state = state
        self._scheduler = scheduler

    def of(self, task: Task) -> str:
        """Returns why a task of one call waits, or what keeps it from running; else nothing."""
        if task.state is JobState.QUEUED:
            return _joined([_retry(task, task.attempts + 1), self._waits(task)])
        if task.state is JobState.RUNNING:
            return _joined([_retry(task, task.attempts), self._stopped(task)])
        return ""

    def without_workers(self, kind: int = 0) -> str:
        """Returns why there are no workers of a kind; nothing if there are, or none are wanted."""
        if self._workers(kind):
            return ""
        wanted = self._state.ledger.backlog(kind)
        return f"no worker is there: {self._supply(kind, 0)}" if wanted else ""

    # ------------------------------------------------------------------ waiting

    def _waits(self, task: Task) -> str:
        workers = self._workers(task.kind)
        busy = sum(bool(worker.outstanding) for worker in workers)
        before, room = self._calls_before(task), self._room(task)
        if busy < len(workers) and not before and not room:
            return "a worker is about to have it"
        parts: list[str] = [room] if room else []
        if workers and busy == len(workers):
            parts.append("the only one is busy" if busy == 1 else f"all {busy} are busy")
        if before:
            parts.append(f"{counted(before, 'call')} {'is' if before == 1 else 'are'} before it")
        text = _joined([", ".join(parts), self._supply(task.kind, len(workers))])
        return f"waits for a worker{f': {text}' if text else ''}"

    def _room(self, task: Task) -> str:
        """Returns what is missing of the slots that all workers share; nothing if it is not that.

        With those of its own kind it need not share them.
        """
        room = self._state.room
        workers = list(self._state.ledger.workers.values())
        # In one step of the interpreter: the dispatcher's thread changes them.
        waiting = [chunk for queue in self._state.ledger.queues() for chunk in list(queue.chunks)]
        kinds = {worker.kind for worker in workers if worker.outstanding}
        kinds.update(chunk.kind for chunk in waiting)
        if room is None or kinds <= {task.kind}:
            return ""
        wanted, free = room.of(task.kind), room.slots - room.taken(workers)
        if wanted > free:
            are = "is" if free == 1 else "are"
            return f"it takes {counted(wanted, 'slot')}, and {free} of {room.slots} {are} free"
        first = min(waiting, key=lambda chunk: chunk.task.id, default=None)
        if first is None or first.kind == task.kind:
            return ""
        return f"{counted(room.of(first.kind), 'slot')} are kept for what waits longer"

    def _workers(self, kind: int) -> list[WorkerRecord]:
        silent = self._state.staffing.is_silent
        return [
            worker
            for worker in list(self._state.ledger.workers.values())
            if worker.kind == kind and not worker.leaving and not silent(worker.supervisor)
        ]

    def _calls_before(self, task: Task) -> int:
        calls = 0
        for queue in self._state.ledger.queues():
            # In one step of the interpreter: the dispatcher's thread changes it.
            chunks: list[Chunk] = list(queue.chunks)
            if chunks and chunks[0].task.kind != task.kind:
                continue
            for chunk in chunks:
                if chunk.task is task:
                    return calls
                calls += (chunk.hi - chunk.lo) if chunk.task.wanted else 0
        # What was submitted a moment ago is not among them yet.
        return calls

    def _supply(self, kind: int, workers: int) -> str:
        """Returns what is known of further workers."""
        supervisors = list(self._state.staffing.supervisors.values())
        awaited = [each for each in supervisors if each.kind == kind and _awaits_workers(each)]
        if not self._scheduler.remote:
            return "" if workers else "the first workers start"
        records = [
            record
            for record in list(self._state.staffing.queue_jobs.values())
            if record.kind == kind and not record.deleting
        ]
        parts = [*self._queue_jobs(records), *self._requests(kind)]
        if awaited:
            parts.append(f"a worker starts on {awaited[0].host}")
        if not parts and self._is_full():
            most = counted(self._scheduler.max_queue_jobs, "queue job")
            parts.append(f"the scheduler's limit of {most} is reached")
        trouble = self._state.staffing.waiting.trouble(kind)
        if trouble and not workers:
            parts.append(f"one that was to start did not: {trouble}")
        if not parts and not workers:
            parts.append("workers are about to be asked for")
        return _joined(parts)

    def _queue_jobs(self, records: Iterable[QueueJobRecord]) -> list[str]:
        pending: dict[str, list[QueueJobRecord]] = {}
        suspended: collections.Counter[str] = collections.Counter()
        for record in records:
            if record.suspended:
                suspended[record.suspended] += 1
            elif not record.supervisors:
                pending.setdefault(record.reason, []).append(record)
        parts = [f"{_are(number)} suspended {by}" for by, number in suspended.items()]
        # Those of which a reason is known first.
        for reason, waiting in sorted(pending.items(), key=lambda item: not item[0]):
            number = len(waiting)
            text = f"{counted(number, 'queue job')} {'waits' if number == 1 else 'wait'}"
            longest = time.monotonic() - min(record.since for record in waiting)
            parts.append(
                f"{text}: {reason}" if reason else f"{text} in the queue for {longest:.0f} s"
            )
        return parts[:_REASONS]

    def _requests(self, kind: int) -> list[str]:
        requests = self._state.staffing.waiting.requests(kind)
        refused = next((each.reason for each in requests if each.reason), "")
        number = sum(each.count for each in requests)
        if not number:
            return []
        if refused:
            return [f"{_are(number)} not taken by the batch system yet: {refused}"]
        return [f"{_are(number)} being submitted"]

    def _is_full(self) -> bool:
        live = list(self._state.staffing.queue_jobs.values())
        return sum(not each.deleting for each in live) >= self._scheduler.max_queue_jobs

    # ------------------------------------------------------------------ running

    def _stopped(self, task: Task) -> str:
        """Returns what keeps a task from running that a worker was given."""
        worker = self._holder(task)
        if worker is None:
            return ""
        record = self._state.staffing.queue_jobs.get(worker.supervisor.queue_job)
        if record is not None and record.suspended:
            return f"its queue job {record.name} is suspended {record.suspended}"
        heard = worker.supervisor.heard
        if record is not None and heard < record.asked < math.inf:
            silent = time.monotonic() - heard
            return f"nothing was heard of {worker.place.host} for {silent:.0f} s"
        ahead = 0
        for chunk in list(worker.outstanding):
            if chunk.task is task:
                break
            ahead += chunk.hi - chunk.lo
        return f"its worker has {counted(ahead, 'call')} to run before it" if ahead else ""

    def _holder(self, task: Task) -> WorkerRecord | None:
        for worker in list(self._state.ledger.workers.values()):
            if any(chunk.task is task for chunk in list(worker.outstanding)):
                return worker
        return None


def _retry(task: Task, attempt: int) -> str:
    reason = getattr(task, "put_back_for", "")
    return f"tried again (attempt {attempt}): {reason}" if reason else ""


def _awaits_workers(supervisor: SupervisorRecord) -> bool:
    return not supervisor.leaving and not supervisor.workers and supervisor.loss is None


def _are(number: int) -> str:
    return f"{counted(number, 'queue job')} {'is' if number == 1 else 'are'}"


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(filter(None, parts))


class NoStateReasons:
    """As `StateReasons`, where threads of this process run the calls: nothing waits there."""

    def of(self, task: Task) -> str:
        """Returns nothing."""
        return ""

    def without_workers(self, kind: int = 0) -> str:
        """Returns nothing."""
        return ""
