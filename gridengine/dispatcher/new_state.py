"""The state of a new dispatcher, for the numbers of its scheduler."""

from __future__ import annotations

import math

from ..ledger.dispatcher_state import DispatcherState
from ..ledger.staffing import Capacity
from ..schedulers.base import Scheduler
from ..settings import Settings


def new_state(scheduler: Scheduler, settings: Settings) -> DispatcherState:
    """Returns the state of a dispatcher that has heard of nobody yet.

    Args:
        scheduler: Whose workers it is about.
        settings: The numbers.
    """
    lifetime = math.inf if scheduler.lifetime is None else scheduler.lifetime
    return DispatcherState(
        settings,
        Capacity(scheduler.workers_per_queue_job, scheduler.max_queue_jobs, lifetime),
        remote=scheduler.remote,
        fresh=scheduler.fresh,
        linger=scheduler.linger,
    )
