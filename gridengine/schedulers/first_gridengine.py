"""What programs for the first gridengine say otherwise: ``docs/migrate/first-gridengine.md``."""

from __future__ import annotations

import warnings
from typing import Any

from .base import Scheduler
from .choice import best_available, current


def max_workers_of(max_threads: int, max_workers: int | None) -> int:
    """Returns ``max_workers`` as it was called before.

    Raises:
        TypeError: It is given by both names.
    """
    if max_workers is not None:
        raise TypeError("max_workers is given twice: max_threads is its old name")
    warnings.warn(
        "ProcessScheduler(max_threads=...) is called max_workers= now",
        DeprecationWarning,
        stacklevel=3,
    )
    return max_threads


def positional_scheduler(iterables: tuple[Any, ...], scheduler: Any) -> tuple[Any, Any]:
    """Returns the iterables and the scheduler of a map that was given it behind the items.

    Raises:
        TypeError: It is given by its name, too.
    """
    last = iterables[-1]
    if not (
        isinstance(last, Scheduler)
        or (isinstance(last, type) and issubclass(last, Scheduler))
        or last is best_available
        or last is current
    ):
        return iterables, scheduler
    if scheduler is not None:
        raise TypeError("the scheduler is given twice: by scheduler= and behind the items")
    warnings.warn(
        "map(f, items, scheduler) is written map(f, items, scheduler=scheduler) now",
        DeprecationWarning,
        stacklevel=4,
    )
    return iterables[:-1], last
