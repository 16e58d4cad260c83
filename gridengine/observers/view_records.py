"""What is known of a program's workers, queue jobs and jobs, each of one in a record of its own."""

from __future__ import annotations

from typing import NamedTuple

from ..ledger.events import Sample, WorkerJoined


class Running(NamedTuple):
    """Calls that a worker has.

    Attributes:
        task: Number of their job, or part of a map.
        name: What people call that.
        lo: The first call, as counted in that job.
        hi: The one behind the last.
        attempt: Number of the attempt, from 1.
        since: When it was given them, in seconds since 1970.
    """

    task: int
    name: str
    lo: int
    hi: int
    attempt: int
    since: float


class WorkerView:
    """A worker.

    Attributes:
        address: The name under which its program knows it.
        host: Where it is.
        pid: Its process id there.
        queue_job: The scheduler's name for what it is in, on a laptop too.
        memory_limit: Bytes that it may have, 0 for no limit.
        ends: When the batch system ends it, in seconds since 1970, 0 for never.
        running: What it has, the next thing first, by its job and the first call it was given.
        sample: What it used last, None as long as nobody has said.
    """

    def __init__(self, joined: WorkerJoined, when: float) -> None:
        self.address = joined.address
        self.host = joined.host
        self.pid = joined.pid
        self.queue_job = joined.queue_job
        self.memory_limit = joined.memory_limit
        self.ends = when + joined.time_left if joined.time_left else 0.0
        self.running: dict[tuple[int, int], Running] = {}
        self.sample: Sample | None = None


class QueueJobView:
    """A queue job that is not over.

    Attributes:
        name: The batch system's name for it.
        submitted: When it was submitted, or first heard of.
        host: Where it runs, empty while it waits.
        reason: Why it waits, empty if that is not known.
        remark: That it is suspended, or being deleted; empty otherwise.
    """

    def __init__(self, name: str, submitted: float) -> None:
        self.name = name
        self.submitted = submitted
        self.host = self.reason = self.remark = ""


class Failure(NamedTuple):
    """A call that has failed for good.

    Attributes:
        when: In seconds since 1970.
        name: What its job is called.
        call: Number of the call within its map, -1 if it is a job by itself.
        host: Where it ran, empty if it had no worker.
        text: Its certificate, or its traceback.
    """

    when: float
    name: str
    call: int
    host: str
    text: str

    @property
    def line(self) -> str:
        """What has happened, in one line."""
        return failure_line(self.text)


def failure_line(text: str) -> str:
    """Returns what an exception's traceback ends with, or a certificate begins with."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    traced = any(line.startswith("Traceback ") for line in lines)
    if not traced:
        return lines[0]
    # Notes may stand below the exception's own line.
    last = max((i for i, line in enumerate(lines) if line.startswith("  ")), default=-1)
    return lines[last + 1] if last + 1 < len(lines) else lines[-1]


class JobCounts:
    """What is known of all jobs, or calls of maps, of one name.

    Attributes:
        name: What they are called, without their numbers.
        submitted: How many calls there are, as far as that was seen.
        done: How many have an answer.
        failed: How many of those have failed.
        wall: Seconds that they have taken, all together.
        peak_memory: Of a worker that ran some of them, in bytes.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.submitted = self.done = self.failed = 0
        self.wall = 0.0
        self.peak_memory = 0
