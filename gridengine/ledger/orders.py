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
`AskAbout`            have the batch system say how silent queue jobs stand
`ReadOutput`          read what a lost queue job has printed, and tell `lost`
`AskWhy`              read why a queue job did not start, and tell `not_started`
`Warn`                say something in the log
`Inform`              say something in the log, to those who want to know
====================  ============================================================
"""

from __future__ import annotations

from msgspec import Struct

from ..schedulers.events import End
from .records import Chunk, QueueJobRecord, SupervisorRecord, WorkerRecord


class Assign(Struct, frozen=True):
    """Hand these chunks to that worker, in one message."""

    worker: WorkerRecord
    chunks: list[Chunk]


class Dismiss(Struct, frozen=True):
    """Tell a worker that it is not needed, or that another one shall take its place."""

    worker: WorkerRecord
    replaced: bool = False


class Release(Struct, frozen=True):
    """Let go of what is kept for a worker that is no more."""

    worker: WorkerRecord


class AdjustStaff(Struct, frozen=True):
    """Tell a supervisor how many workers it is to have: its ``staff``."""

    supervisor: SupervisorRecord


class TakeBack(Struct, frozen=True):
    """Have a worker begin nothing more before position ``end``.

    But if it has begun nothing from ``start`` on, what stands before ``keep`` stays with it.
    """

    worker: WorkerRecord
    end: int
    start: int = 0
    keep: int = 0


class SignalCalls(Struct, frozen=True):
    """End any of ``width`` calls from ``position`` on with a signal, if the worker runs one.

    ``reason`` is that of the `Report`, if it is not that the program has asked for it.
    """

    worker: WorkerRecord
    position: int
    width: int
    signum: int
    reason: str = ""


class StopSupervisor(Struct, frozen=True):
    """Tell a supervisor to end, with all its workers; nobody waits for it any more."""

    address: bytes


class RequestQueueJobs(Struct, frozen=True):
    """Ask for ``count`` queue jobs of a kind, with so many workers each, not on some hosts."""

    batch: int
    kind: int
    count: int
    workers: int
    avoid: tuple[str, ...] = ()


class DeleteQueueJobs(Struct, frozen=True):
    """Have the batch system end these queue jobs."""

    queue_jobs: tuple[str, ...]


class AskAbout(Struct, frozen=True):
    """Have the batch system say whether these queue jobs, which are silent, are suspended."""

    queue_jobs: tuple[str, ...]


class ReadOutput(Struct, frozen=True):
    """Read what a supervisor's queue job has printed; its loss is told after that."""

    supervisor: SupervisorRecord
    end: End


class AskWhy(Struct, frozen=True):
    """Read what a queue job has left that ended before its supervisor was heard."""

    queue_job: QueueJobRecord
    end: End


class Warn(Struct, frozen=True):
    """Say something in the log."""

    text: str


class Inform(Struct, frozen=True):
    """Say something in the log, to those who want to know how it goes."""

    text: str


# Structs of msgspec: to make the class of a named tuple takes seven times as long, and the first
# map of a program waits for it.
Order = (
    Assign | Dismiss | Release | AdjustStaff | TakeBack | SignalCalls | StopSupervisor
    | RequestQueueJobs | DeleteQueueJobs | AskAbout | ReadOutput | AskWhy | Warn | Inform
)  # fmt: skip
