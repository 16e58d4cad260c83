"""The state of a new dispatcher, as its scheduler wants it."""

from __future__ import annotations

import math

from ..schedulers.arguments import checked_cwd, checked_env

# When the first workers are on their way: see `gridengine.dispatcher.dispatcher`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..ledger.dispatcher_state import DispatcherState
    from ..schedulers.base import Scheduler
    from ..settings import Settings


def new_state(
    scheduler: Scheduler, settings: Settings, *, started_early: bool = False
) -> DispatcherState:
    """Returns a state in which nothing has happened yet, but for an early start."""
    from ..ledger.dispatcher_state import DispatcherState
    from ..ledger.staffing import Capacity

    lifetime = math.inf if scheduler.lifetime is None else scheduler.lifetime
    max_tasks = scheduler.max_tasks_per_worker
    state = DispatcherState(
        settings,
        Capacity(scheduler.workers_per_queue_job, scheduler.max_queue_jobs, lifetime),
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
