"""The state of a new dispatcher, as its scheduler wants it."""

from __future__ import annotations

import math

from ..schedulers.arguments import checked_cwd, checked_env
from ..schedulers.limits import slots_here

# When the first workers are on their way: see `gridengine.dispatcher.dispatcher`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..ledger.dispatcher_state import DispatcherState
    from ..schedulers.base import Scheduler
    from ..settings import Settings


def new_state(
    scheduler: Scheduler,
    settings: Settings,
    slots_of: Callable[[int], int],
    *,
    started_early: bool = False,
) -> DispatcherState:
    """Returns a state in which nothing has happened yet, but for an early start.

    Args:
        scheduler: Whose it is.
        settings: The numbers.
        slots_of: Returns the slots of each worker of a kind.
        started_early: Whether its first workers are on their way.
    """
    from ..ledger.capacity import Capacity, Room
    from ..ledger.dispatcher_state import DispatcherState

    lifetime = math.inf if scheduler.lifetime is None else scheduler.lifetime
    max_tasks = scheduler.max_tasks_per_worker
    room = None if scheduler.remote else Room(slots_here(scheduler), slots_of)
    state = DispatcherState(
        settings,
        Capacity(scheduler.workers_per_queue_job, scheduler.max_queue_jobs, lifetime, room),
        remote=scheduler.remote,
        fresh=scheduler.fresh,
        max_tasks=math.inf if max_tasks is None else max_tasks,
        linger=scheduler.linger,
    )
    if started_early:
        state.staffing.started_early()
    return state


def surroundings_of(scheduler: Scheduler) -> tuple[str | None, Mapping[str, str | None] | None]:
    """Returns the directory and the variables that a scheduler has for its jobs.

    Raises:
        TypeError, ValueError: They are none.
    """
    # Looked at once more: they may have been set since.
    return checked_cwd(scheduler.cwd), checked_env(scheduler.env)
