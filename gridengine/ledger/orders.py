"""What the ledger orders: one type for each thing that the dispatcher can do.

====================  ============================================================
`Assign`              hand chunks to a worker, in one message
`Dismiss`             tell a worker to end
`Release`             let go of what is kept for a worker that is no more
`AdjustStaff`         tell a supervisor how many workers to have
`TakeBack`            have a worker begin nothing more of what it has
`SignalCalls`         end calls that run with a signal
`StopSupervisor`      tell a supervisor to end, with all its workers
`RequestQueueJobs`    ask the batch system for more queue jobs
`DeleteQueueJobs`     have the batch system end queue jobs
`ReadOutput`          read what a lost queue job has printed, and tell `lost`
`Warn`                say something in the log
====================  ============================================================
"""

from __future__ import annotations

from typing import NamedTuple

from ..schedulers.events import End
from .records import Chunk, SupervisorRecord, WorkerRecord


class Assign(NamedTuple):
    """Hand these chunks to that worker, in one message."""

    worker: WorkerRecord
    chunks: list[Chunk]


class Dismiss(NamedTuple):
    """Tell a worker that it is not needed."""

    worker: WorkerRecord


class Release(NamedTuple):
    """Let go of what is kept for a worker that is no more."""

    worker: WorkerRecord


class AdjustStaff(NamedTuple):
    """Tell a supervisor how many workers it is to have: its ``staff``."""

    supervisor: SupervisorRecord


class TakeBack(NamedTuple):
    """Have a worker begin nothing more before position ``end``.

    But if it has begun nothing from ``start`` on, what stands before ``keep`` stays with it.
    """

    worker: WorkerRecord
    end: int
    start: int = 0
    keep: int = 0


class SignalCalls(NamedTuple):
    """End any of ``width`` calls from ``position`` on with a signal, if the worker runs one."""

    worker: WorkerRecord
    position: int
    width: int
    signum: int


class StopSupervisor(NamedTuple):
    """Tell a supervisor to end, with all its workers; nobody waits for it any more."""

    address: bytes


class RequestQueueJobs(NamedTuple):
    """Ask for ``count`` queue jobs of a kind, with so many workers each."""

    batch: int
    kind: int
    count: int  # type: ignore[assignment]  # hides tuple's, which nobody needs
    workers: int


class DeleteQueueJobs(NamedTuple):
    """Have the batch system end these queue jobs."""

    queue_jobs: tuple[str, ...]


class ReadOutput(NamedTuple):
    """Read what a supervisor's queue job has printed; its loss is told after that."""

    supervisor: SupervisorRecord
    end: End


class Warn(NamedTuple):
    """Say something in the log."""

    text: str


Order = (
    Assign | Dismiss | Release | AdjustStaff | TakeBack | SignalCalls | StopSupervisor
    | RequestQueueJobs | DeleteQueueJobs | ReadOutput | Warn
)  # fmt: skip
