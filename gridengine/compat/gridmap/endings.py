"""How a job has ended, as GridMap's programs read it."""

from __future__ import annotations

import traceback
from typing import Any

from ...errors import JobCancelled, JobDied, SchedulerError
from ...serialization.exceptions import RemoteTraceback
from ...states import DeathCause
from .errors import JobException
from .grid_job import Job


def record_end(job: Job, value: Any, error: BaseException | None) -> BaseException | None:
    """Notes on a job what has come of it.

    Returns:
        What to raise for it, None for nothing.
    """
    if error is None:
        job.ret, job.cause_of_death = value, ""
        return None
    if isinstance(error, JobDied):
        stalled = error.cause is DeathCause.STALLED
        return record_death(job, str(error), error, "stalled" if stalled else "unknown")
    if isinstance(error, (SchedulerError, JobCancelled)):
        # Not its own doing: it has not run, or not to its end.
        job.traceback = str(error)
        return error
    job.ret, job.cause_of_death = error, "exception"
    job.traceback = text_of(error)
    return error


def record_death(
    job: Job, why: str, error: BaseException | None, cause: str = "unknown"
) -> JobException:
    """Notes on a job that it was lost for good; returns what to raise for it."""
    times = "resubmission" if job.num_resubmits == 1 else "resubmissions"
    failed = JobException(
        f"Job {job.name} ({job.id}) failed after {job.num_resubmits} {times}: {why}"
    )
    failed.__cause__ = error
    job.cause_of_death, job.traceback = cause, why
    return failed


def text_of(error: BaseException) -> str:
    """Returns where an exception arose, as text: in the worker, if it is a job's."""
    if isinstance(error.__cause__, RemoteTraceback):
        return error.__cause__.text
    return "".join(traceback.format_exception(error))
