"""What is known of each thing that the dispatcher deals with: one record of each."""

from __future__ import annotations

import collections
import itertools
import math
from typing import Any, Protocol

from msgspec import Struct

from ..schedulers.events import End
from ..transport.addresses import worker_address
from .series import WorkerSeries
from .task import Place, Task


class Chunk:
    """A run of calls, ``lo`` to ``hi`` (not included), of a task.

    Attributes:
        deaths: How often a worker died while it ran one of these calls.
        losses: How often it was lost for a reason that no job is to blame for.
        errors: How often it has raised, or was over its time.
        one_at_a_time: Whether it is handed out by itself, and the worker notes every single call,
            to find a guilty one.
        isolated: Whether nobody shall work beside it under the same supervisor, to find who it is
            that kills that.
        tried: The kinds of workers that had too little for it, of a `StrayChunk`.
        attempt: Number of the latest hand-out.
        position: Number of its first call among those handed to the worker.
        since: When it was handed out.
    """

    __slots__ = (
        "attempt",
        "deaths",
        "errors",
        "hi",
        "isolated",
        "lo",
        "losses",
        "one_at_a_time",
        "position",
        "since",
        "task",
    )

    tried: tuple[int, ...] = ()

    def __init__(self, task: Task, lo: int, hi: int) -> None:
        self.task = task
        self.lo = lo
        self.hi = hi
        self.deaths = self.losses = self.errors = self.attempt = self.position = 0
        self.one_at_a_time = self.isolated = False
        self.since = 0.0

    def __repr__(self) -> str:
        return f"<Chunk [{self.lo}, {self.hi}) of {self.task!r}>"

    def part(self, lo: int, hi: int) -> Chunk:
        """Returns a new chunk for some of the calls, with the same past."""
        return self.with_past(Chunk(self.task, lo, hi))

    @property
    def kind(self) -> int:
        """Which workers may run it."""
        return self.task.kind

    def with_past(self, chunk: Chunk) -> Chunk:
        """Gives the past of this one to a new chunk of some of its calls, and returns that."""
        chunk.deaths, chunk.losses, chunk.errors = self.deaths, self.losses, self.errors
        chunk.one_at_a_time, chunk.isolated = self.one_at_a_time, self.isolated
        chunk.attempt, chunk.since = self.attempt, self.since
        chunk.position = self.position + chunk.lo - self.lo
        return chunk

    def cut(self, start: int, end: int) -> list[Chunk]:
        """Returns what lies before, between and behind two positions, as far as there is any."""
        cuts = [min(max(self.lo + p - self.position, self.lo), self.hi) for p in (start, end)]
        edges = [self.lo, *cuts, self.hi]
        return [self.part(lo, hi) for lo, hi in itertools.pairwise(edges) if lo < hi]

    def split(self) -> list[Chunk]:
        """Returns chunks of equal length, about as many as each has calls.

        So a guilty call is found in a few deaths, and few copies of the arguments travel.
        """
        step = math.isqrt(self.hi - self.lo)
        starts = range(self.lo, self.hi, step)
        return [self.part(lo, min(lo + step, self.hi)) for lo in starts]


class AnsweredCalls(Protocol):
    """What a worker answers for the calls ``lo`` to ``hi`` of a task; see `transport.messages`."""

    task: int
    attempt: int
    lo: int
    hi: int
    payload: Any
    frames: int
    failures: dict[int, bytes]
    wall: float
    cpu: float
    peak_memory: int
    final: bool
    short: bool


class Report(Struct, frozen=True):
    """What a supervisor says of the end of one of its workers.

    Attributes:
        status: Its exit code, -N for signal N.
        position: Position of the call that it was at.
        width: How many calls from there it may have been at, 0 if it had begun none.
        reason: Why the supervisor itself has ended it, or what the kernel says.
        peak_memory: Its largest resident memory, in bytes.
        sent: How many messages it had begun to send.
        output: What it printed last.
        needed_memory: The memory that it would have needed, in bytes, 0 if it had enough.
        granted_memory: The memory that it might have, in bytes, 0 if not limited.
        cpu: Seconds of processor time that it has had, with the children that it has waited for.
    """

    status: int
    position: int
    width: int
    reason: str
    peak_memory: int
    sent: int = 0
    output: str = ""
    needed_memory: int = 0
    granted_memory: int = 0
    cpu: float = 0.0


class SupervisorRecord:
    """What is known of a supervisor.

    Attributes:
        address: The name under which the dispatcher knows it.
        queue_job: The batch system's name for what it is.
        kind: Which jobs its workers may run.
        host: Where it runs.
        pid: Its process id there.
        deadline: When the batch system will end it.
        memory_limit: Bytes that each of its workers may have, 0 for no limit.
        staff: How many workers it was told to have.
        leaves: When its workers leave, between two jobs, for others to have their place.
        leaving: Whether all of them have been told to.
        heard: When it last spoke.
        workers: Those of its workers that have said their first word.
        worked: Whether it has had one of them.
        alone: That of its workers which runs something that nobody shall work beside.
        waiting: Those that are kept from work by that.
        unheard: Numbers of workers whose end was told before their first word was heard.
        loss: What is known of its own end, None while it lives.
        output: What its queue job has printed last, if it is lost.
    """

    __slots__ = (
        "address",
        "alone",
        "deadline",
        "heard",
        "host",
        "kind",
        "leaves",
        "leaving",
        "loss",
        "memory_limit",
        "output",
        "pid",
        "queue_job",
        "staff",
        "unheard",
        "waiting",
        "worked",
        "workers",
    )

    def __init__(
        self,
        address: bytes,
        queue_job: str = "",
        kind: int = 0,
        host: str = "",
        pid: int = 0,
        *,
        now: float = 0.0,
        deadline: float = math.inf,
    ) -> None:
        self.address = address
        self.queue_job = queue_job
        self.kind = kind
        self.host = host
        self.pid = pid
        self.deadline = deadline
        self.memory_limit = 0
        self.staff = 0
        self.leaves = math.inf
        self.leaving = False
        self.heard = now
        self.workers: dict[WorkerRecord, None] = {}
        self.worked = False
        self.alone: WorkerRecord | None = None
        self.waiting: dict[WorkerRecord, None] = {}
        self.unheard: set[int] = set()
        self.loss: End | None = None
        self.output = ""


class WorkerRecord:
    """What is known of a worker.

    Attributes:
        address: The name under which the dispatcher knows it.
        number: Its number under its supervisor.
        supervisor: Its supervisor; those of one supervisor are lost together.
        place: Where it is.
        outstanding: Its chunks, in the order in which it runs them.
        position: The position that the next call handed to it will have.
        load: Seconds of work that it has, by estimate.
        block: Number of the latest message with work for it.
        given: Chunks that it was given.
        ends: The position behind each such message that it has not finished.
        ran: Calls that it has answered.
        code: The latest version of the program's code that it was given a function of.
        heard: When it last answered, or was given work.
        patience: Seconds without an answer after which unbegun work may be taken back.
        recalling: Whether its unbegun work is being taken back.
        leaving: Whether it has been told to end, or is about to be no more.
        received: Messages that were heard of it.
        hung_up: Whether no more can come from it.
        space: Bytes of address space that its queue job has needed at most, 0 if unknown.
        peak: The most memory that was noted of its calls, in bytes.
        report: What its supervisor says of its end, None while it lives.
        due: When its end is settled, whatever else may come.
        series: What was sampled of it, None before the first time.
        memory: What the dispatcher keeps for it: the functions that it has, and the memory that
            it has lent or borrowed. Nothing is decided by it.
    """

    __slots__ = (
        "address",
        "block",
        "code",
        "due",
        "ends",
        "given",
        "heard",
        "hung_up",
        "leaving",
        "load",
        "memory",
        "number",
        "outstanding",
        "patience",
        "peak",
        "place",
        "position",
        "ran",
        "recalling",
        "received",
        "report",
        "series",
        "space",
        "supervisor",
    )

    def __init__(
        self, supervisor: SupervisorRecord, number: int, place: Place, now: float, patience: float
    ) -> None:
        self.address = worker_address(supervisor.address, number)
        self.number = number
        self.supervisor = supervisor
        self.place = place
        self.outstanding: collections.deque[Chunk] = collections.deque()
        self.position = self.block = self.ran = self.received = self.code = self.given = 0
        self.space = self.peak = 0
        self.load = 0.0
        self.ends: collections.deque[int] = collections.deque()
        self.heard = now
        self.patience = patience
        self.recalling = self.leaving = self.hung_up = False
        self.report: Report | None = None
        self.series: WorkerSeries | None = None
        self.due = 0.0
        self.memory: Any = None

    def __repr__(self) -> str:
        return f"<WorkerRecord {self.address!r}, {len(self.outstanding)} chunks>"

    @property
    def kind(self) -> int:
        """Which jobs it may run."""
        return self.supervisor.kind

    @property
    def deadline(self) -> float:
        """When its queue job will be ended."""
        return self.supervisor.deadline


class QueueJobRecord:
    """What is known of a queue job.

    Attributes:
        name: The batch system's name for it.
        kind: The kind of its workers.
        wave: How many times some had failed to start when it was asked for.
        avoid: Hosts on which it will not run.
        since: When it was asked for.
        deleting: Whether its end has been asked for.
        supervisors: What has run in it, as far as that was heard: one, unless the batch system has
            started it again.
        asked: When the batch system was asked how it stands, since it is silent; infinity if not.
        answered: Whether it has answered.
        suspended: By what it is suspended, empty if that is not known of it.
        reason: Why it waits, as the batch system says, empty if that is not known.
    """

    __slots__ = (
        "answered",
        "asked",
        "avoid",
        "deleting",
        "kind",
        "name",
        "reason",
        "since",
        "supervisors",
        "suspended",
        "wave",
    )

    def __init__(
        self,
        name: str,
        kind: int,
        since: float = 0.0,
        wave: int = 0,
        avoid: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.since = since
        self.wave = wave
        self.avoid = avoid
        self.deleting = self.answered = False
        self.asked = math.inf
        self.suspended = self.reason = ""
        self.supervisors: list[SupervisorRecord] = []

    @property
    def silent(self) -> bool:
        """Whether no word of it is to be expected soon: it is suspended, or may be, or is lost."""
        silent = any(each.heard < self.asked < math.inf for each in self.supervisors)
        return silent or bool(self.suspended)


class QueueJobRequest:
    """Queue jobs that were asked for, and which the batch system has not named yet.

    Attributes:
        reason: Why it does not take them yet, empty if that is not known.
    """

    def __init__(
        self,
        kind: int,
        count: int,
        since: float = 0.0,
        wave: int = 0,
        avoid: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.count = count
        self.since = since
        self.wave = wave
        self.avoid = avoid
        self.reason = ""

    def record(self, queue_job: str) -> QueueJobRecord:
        """Returns the record of one of them that has got its name."""
        return QueueJobRecord(queue_job, self.kind, self.since, self.wave, self.avoid)


class Verdict(Struct, frozen=True):
    """The call ``index`` of a task has died for good, in this attempt."""

    task: Task
    index: int
    attempt: int
    since: float
    tried: tuple[int, ...] = ()
