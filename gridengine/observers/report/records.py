"""What is kept of a run for its report.

Of each call, or of each answer for several, six numbers are kept, in arrays: a run may have
millions.
"""

from __future__ import annotations

import array
from typing import Any, NamedTuple


class About(NamedTuple):
    """What a run was.

    Attributes:
        title: What stands above the page.
        program: Its command line, empty if that does not matter.
        host: Where it ran.
        scheduler: What ran its jobs.
        slots: Cores of each worker.
        ended: When it was over, in seconds since 1970; None for the latest event.
        remark: What else is to be said of it, empty as a rule.
    """

    title: str
    program: str
    host: str
    scheduler: str
    slots: int = 1
    ended: float | None = None
    remark: str = ""


class AnswerTable:
    """What is known of each answer; the columns of a table.

    Attributes:
        ends: When it was told, in seconds since 1970.
        walls: Seconds that its calls have taken, all together.
        calls: How many they are.
        workers: Number of the worker in `run_facts.RunFacts.workers`.
        functions: Number of the function in `run_facts.RunFacts.functions`.
        peaks: Largest resident memory of the worker so far, with what it has started as far as it
            was looked at, in bytes.
    """

    def __init__(self) -> None:
        self.ends, self.walls = array.array("d"), array.array("d")
        self.calls, self.workers = array.array("L"), array.array("L")
        self.functions, self.peaks = array.array("L"), array.array("Q")

    def __len__(self) -> int:
        return len(self.ends)


class WorkerFacts:
    """A worker.

    Attributes:
        host: Where it was.
        pid: Its process id there.
        memory_limit: Bytes that it could have, 0 for no limit.
        time_limit: Seconds that it could be there when it joined, 0 for no limit.
        joined: When it could first be given work, in seconds since 1970.
        left: When it was gone, None while it is there.
        cause: Why it died, empty if it left by itself.
        peak: Largest resident memory of it and all that it has started, as far as it was looked
            at, in bytes.
    """

    def __init__(self, host: str, pid: int, joined: float) -> None:
        self.host, self.pid = host, pid
        self.memory_limit, self.time_limit = 0, 0.0
        self.joined = joined
        self.left: float | None = None
        self.cause = ""
        self.peak = 0


class FailureFacts(NamedTuple):
    """A call that has failed for good; ``failure`` is as of `ledger.events.CallFailed`.

    ``call`` is its number within its map, if it is one's.
    """

    when: float
    name: str
    call: int
    host: str
    failure: Any


class SlowCall(NamedTuple):
    """A call, or some that were answered together, among the slowest.

    Attributes:
        seconds: What it has taken, or each of them on average.
        number: In the order in which they were told.
        name: What its job is called.
        first: Number of the first of them within its map.
        calls: How many they are.
        host: Where they ran.
        items: What they were called with, None if that is not known.
    """

    seconds: float
    number: int
    name: str
    first: int
    calls: int
    host: str
    items: Any
