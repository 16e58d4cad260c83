"""An overview of the workers of a scheduler, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class QueueJobOverview(NamedTuple):
    """One queue job.

    Attributes:
        name: The batch system's name for it.
        host: Where it runs, empty while it waits.
        workers: How many workers are in it.
        busy: How many of those have something to do.
        age: Seconds since it was asked for; None if that is not known.
        remark: That it is suspended, or being deleted; empty otherwise.
        reason: Why it waits, as far as that is known.
    """

    name: str
    host: str
    workers: int
    busy: int
    age: float | None
    remark: str
    reason: str = ""


class Overview(NamedTuple):
    """All that a dispatcher has under way.

    Attributes:
        workers: How many there are.
        busy: How many of them have something to do.
        given: Calls that workers were given and have not answered.
        waiting: Calls that wait for a worker.
        next_name: What the first of those are called, empty if none wait.
        queue_jobs: All that are not over.
        to_come: Calls that maps will submit when there is room, where it is known how many.
        work: Seconds that one worker would need for those that wait, as far as is known how long
            calls take.
        held_for: For how many seconds a worker has had each task of one call, by its number.
    """

    workers: int
    busy: int
    given: int
    waiting: int
    next_name: str
    queue_jobs: tuple[QueueJobOverview, ...]
    held_for: Mapping[int, float]
    to_come: int = 0
    work: float = 0.0
