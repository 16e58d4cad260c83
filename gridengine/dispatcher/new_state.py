"""The state of a new dispatcher, as its scheduler wants it."""

from __future__ import annotations

import math

# When the first workers are on their way: see `gridengine.dispatcher.dispatcher`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..ledger.dispatcher_state import DispatcherState
    from ..schedulers.base import Scheduler
    from ..settings import Settings


def new_state(scheduler: Scheduler, settings: Settings) -> DispatcherState:
    """Returns a state in which nothing has happened yet."""
    from ..ledger.dispatcher_state import DispatcherState
    from ..ledger.staffing import Capacity

    lifetime = math.inf if scheduler.lifetime is None else scheduler.lifetime
    return DispatcherState(
        settings,
        Capacity(scheduler.workers_per_queue_job, scheduler.max_queue_jobs, lifetime),
        remote=scheduler.remote,
        fresh=scheduler.fresh,
        linger=scheduler.linger,
    )
