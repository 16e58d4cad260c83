"""Schedulers like others, with so many workers."""

from __future__ import annotations

import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import Scheduler


def workers_of(scheduler: Scheduler) -> int:
    """Returns how many workers a scheduler may have at one time."""
    return scheduler.max_queue_jobs * scheduler.workers_per_queue_job


def with_workers(scheduler: Scheduler, workers: int) -> Scheduler:
    """Returns a scheduler that is like another one, and has so many workers at most.

    Where queue jobs hold several workers, it is as many as whole queue jobs have.
    """
    limited = copy.copy(scheduler)
    if not scheduler.remote:
        limited.workers_per_queue_job = workers
    else:
        limited.workers_per_queue_job = min(workers, scheduler.workers_per_queue_job)
        limited.max_queue_jobs = workers // limited.workers_per_queue_job
    return limited
