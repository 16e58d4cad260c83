"""The scheduler that a pool has, by what it was given."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ...schedulers.arguments import whole_number
from ...schedulers.base import Scheduler
from ...schedulers.choice import current, scheduler_of_own
from ...schedulers.limits import with_workers

if TYPE_CHECKING:
    from ...schedulers.choice import SchedulerLike


def scheduler_of_pool(
    given: SchedulerLike | None,
    processes: int | None,
    initializer: Callable[..., object] | None,
    initargs: Iterable[Any],
    max_tasks: int | None,
) -> tuple[Scheduler, bool]:
    """Returns the scheduler of a pool, and whether it is the pool's own.

    Raises:
        TypeError, ValueError: An argument is impossible; the texts are `multiprocessing`'s.
        SchedulerUnavailable: The scheduler cannot be used here.
    """
    if processes is not None and whole_number("processes", processes, -sys.maxsize) < 1:
        raise ValueError("Number of processes must be at least 1")
    if max_tasks is not None and (not isinstance(max_tasks, int) or max_tasks <= 0):
        raise ValueError("maxtasksperchild must be a positive int or None")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    base, owned = scheduler_of_own(current if given is None else given)
    if processes is None and initializer is None and max_tasks is None:
        return base, owned
    own = copy.copy(base) if processes is None else with_workers(base, processes)
    if max_tasks is not None:
        own.max_tasks_per_worker = max_tasks
    if initializer is not None:
        own.initializer, own.initargs = initializer, tuple(initargs)
    return own, True
