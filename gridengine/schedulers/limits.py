"""How many workers a scheduler may have, and schedulers like others that may have other numbers."""

from __future__ import annotations

import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import Scheduler


def workers_of(scheduler: Scheduler) -> int:
    """Returns how many workers a scheduler may have at one time."""
    return scheduler.max_queue_jobs * scheduler.workers_per_queue_job


def slots_here(scheduler: Scheduler) -> int:
    """Returns how many slots the workers of a scheduler have together that run on this host."""
    return workers_of(scheduler) * scheduler.slots


def with_workers(scheduler: Scheduler, workers: int) -> Scheduler:
    """Returns a scheduler that is like another one, and has so many workers at most.

    Where a queue job holds several of them, that is as many as whole queue jobs hold.

    Raises:
        ValueError: It has devices for fewer.
    """
    if 0 < len(scheduler.devices) < workers:
        raise ValueError(
            f"{workers} workers are more than {scheduler!r} has GPUs for: "
            f"{len(scheduler.devices)} at most"
        )
    limited = copy.copy(scheduler)
    if scheduler.remote:
        limited.workers_per_queue_job = min(workers, scheduler.workers_per_queue_job)
        limited.max_queue_jobs = workers // limited.workers_per_queue_job
    else:
        limited.workers_per_queue_job = workers
    if "max_workers" in vars(limited):
        # What it was made with, and shows.
        vars(limited)["max_workers"] = workers
    return limited
