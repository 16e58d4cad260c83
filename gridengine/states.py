"""The states of a job, the moves between them, the causes of a death, and the modes of a call.

::

    INITIAL ──start()──▶ QUEUED ──▶ RUNNING ──▶ FINISHED
                          ▲  │         │ │ └───▶ FAILED
                          │  │         │ └─────▶ DIED
                          └──┼── retry ┘
                             └───────────────▶ CANCELLED  (from RUNNING too)
"""

from __future__ import annotations

import enum


class JobState(enum.Enum):
    """Where a job stands."""

    INITIAL = "initial"
    """Made, not started."""
    QUEUED = "queued"
    """Started; waits for a worker, for the first time or again."""
    RUNNING = "running"
    """Handed to a worker, which runs it or is about to."""
    FINISHED = "finished"
    """Its function returned; the value is there."""
    FAILED = "failed"
    """Its function raised, or the value could not travel; the exception is there."""
    DIED = "died"
    """Its process ended before it did, as often as the job may be tried."""
    CANCELLED = "cancelled"
    """Taken back by the program."""

    # Members are singletons, and every job's state is looked up often: the inherited hash is
    # written in Python.
    __hash__ = object.__hash__

    @property
    def final(self) -> bool:
        """True if the job will never leave this state."""
        return self in FINAL


MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.INITIAL: frozenset({JobState.QUEUED}),
    JobState.QUEUED: frozenset(
        # A job can fail in the queue: when no worker can ever be started for it.
        {JobState.RUNNING, JobState.FAILED, JobState.DIED, JobState.CANCELLED}
    ),
    JobState.RUNNING: frozenset(
        {
            JobState.QUEUED,
            JobState.FINISHED,
            JobState.FAILED,
            JobState.DIED,
            JobState.CANCELLED,
        }
    ),
    JobState.FINISHED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.DIED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
"""The legal moves."""

FINAL = frozenset(state for state, moves in MOVES.items() if not moves)
"""The states that a job never leaves."""


class DeathCause(enum.Enum):
    """Why a job's process ended before the job did."""

    OUT_OF_MEMORY = "out of memory"
    OVER_TIME = "over its time"
    KILLED = "killed from outside"
    CRASHED = "crashed"
    EXITED = "exited"
    STALLED = "stalled"
    NODE_LOST = "node lost"
    UNKNOWN = "unknown"


class Mode(enum.IntEnum):
    """How a worker applies the function to the payload."""

    CALL = 0
    """``args, kwargs`` of one call."""
    MAP = 1
    """A list of single arguments, one for each call."""
    STARMAP = 2
    """A list of argument tuples, one for each call."""
