"""What a dispatcher has under way, for people: any thread may look, and nobody waits for it.

The dispatcher's thread goes on meanwhile, so what is counted here need not fit together: a call may
be seen twice, or not at all. Copies of the tables are taken in one step of the interpreter each.
"""

from __future__ import annotations

import time

from ..schedulers.overview import Overview, QueueJobOverview

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..ledger.dispatcher_state import DispatcherState
    from ..ledger.queues import Queue
    from ..ledger.records import QueueJobRecord
    from ..ledger.task import Task


def overview_of(state: DispatcherState, maps: Mapping[object, Callable[[], int]]) -> Overview:
    """Returns what a dispatcher has under way now; ``maps`` are as of its own."""
    now = time.monotonic()
    workers = list(state.ledger.workers.values())
    held = [list(worker.outstanding) for worker in workers]
    chunks = [chunk for each in held for chunk in each]
    queues = state.ledger.queues()
    return Overview(
        workers=len(workers),
        busy=sum(map(bool, held)),
        given=sum(chunk.hi - chunk.lo for chunk in chunks),
        waiting=sum(queue.calls for queue in queues),
        next_name=next(filter(None, map(_first_name, queues)), ""),
        queue_jobs=tuple(map(_queue_job, list(state.staffing.queue_jobs.values()))),
        held_for={chunk.task.id: now - chunk.since for chunk in chunks if chunk.task.size == 1},
        to_come=sum(left() for left in list(maps.values())),
        work=sum(_work(state, queue) for queue in queues),
    )


def _first_name(queue: Queue) -> str:
    # Not `Queue.head`, which tidies up.
    wanted = (chunk.task.name for chunk in list(queue.chunks) if chunk.task.wanted)
    return next(wanted, "")


def _work(state: DispatcherState, queue: Queue) -> float:
    try:
        first = queue.chunks[0]
    except IndexError:
        return 0.0
    usual = state.ledger.usual_duration(first.task.function.key)
    return queue.calls * (usual or 0.0)


def _queue_job(record: QueueJobRecord) -> QueueJobOverview:
    supervisors = list(record.supervisors)
    workers = [worker for each in supervisors for worker in list(each.workers)]
    remark = "is being deleted" if record.deleting else ""
    if record.suspended:
        remark = f"suspended {record.suspended}"
    return QueueJobOverview(
        record.name,
        supervisors[-1].host if supervisors else "",
        len(workers),
        sum(bool(worker.outstanding) for worker in workers),
        time.monotonic() - record.since if record.since else None,
        remark,
        record.reason,
    )


def overview_of_inline(running: Mapping[Task, int]) -> Overview:
    """As `overview_of`, where threads of this process run the calls."""
    busy = len(running)
    return Overview(1, min(1, busy), busy, 0, "", (), {})
