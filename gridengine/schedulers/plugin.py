"""All that the author of a scheduler imports; ``docs/howto/writing-a-scheduler.md`` shows how.

For a batch system that is commands, a `CommandScheduler`:

- `CommandScheduler`: has ``submit``, ``status`` and ``delete``, and does the rest
- `Submission`, `Status`, `Phase`, `End`: what these get and return
- `run`: runs a command; `CommandError`: what it raises
- `time_of`, `memory_of`: amounts that are asked for, in seconds and bytes

For anything else, a `Scheduler` and a `Session`:

- `Scheduler`, `Session`: what is to be written
- `EventQueue`: what a session has to say, and a descriptor to wait for
- `Submitted`, `Refused`, `Ended` with an `End`, `Explained`, `Stuck`, `Waiting`, `Delayed`,
  `Standing`, `Notice`: what it may say; `Event` is any of them
- `take_common`: the arguments that all schedulers take

And for both:

- `DeathCause`: why a queue job has ended
- `SchedulerError`, `SchedulerUnavailable`: what they may raise
"""

from __future__ import annotations

from ..errors import SchedulerError, SchedulerUnavailable
from ..states import DeathCause
from .arguments import take_common
from .base import Scheduler, Session
from .command_scheduler import CommandScheduler, Phase, Status, Submission
from .commands import CommandError, run
from .event_queue import EventQueue
from .events import (
    Delayed,
    End,
    Ended,
    Event,
    Explained,
    Notice,
    Refused,
    Standing,
    Stuck,
    Submitted,
    Waiting,
)
from .requested import memory_of, time_of

__all__ = [
    "CommandScheduler",
    "Submission",
    "Status",
    "Phase",
    "End",
    "run",
    "CommandError",
    "time_of",
    "memory_of",
    "Scheduler",
    "Session",
    "EventQueue",
    "Submitted",
    "Refused",
    "Ended",
    "Explained",
    "Stuck",
    "Waiting",
    "Delayed",
    "Standing",
    "Notice",
    "Event",
    "take_common",
    "DeathCause",
    "SchedulerError",
    "SchedulerUnavailable",
]
