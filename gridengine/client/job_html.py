"""What a notebook shows of jobs. Nothing here waits, unpacks a value, or counts as a question.

A failure that somebody has seen here alone is still told of as one that nobody has asked about.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import format_bytes
from ..html_tables import Markup, escaped, facts, rows_of, state, titled
from ..ledger.task import Task
from ..states import JobState
from .state_reason import failure_line

if TYPE_CHECKING:
    from .job_facts import JobFacts

#: Jobs of a batch that have a line each.
_MOST_LINES = 20

#: What a reader looks for first.
_ORDER = (
    JobState.FAILED,
    JobState.DIED,
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.CANCELLED,
    JobState.INITIAL,
    JobState.FINISHED,
)


def job_html(job: JobFacts, closed: bool) -> str:
    """Returns a table of what is known of a job."""
    if closed:
        return titled(type(job).__name__, facts({"name": job.name, "state": state("closed")}))
    task = job._task
    usage = job.usage
    known: dict[str, object] = {
        "name": job.name,
        "state": state(job.state.value),
        "because": None if task is None or task.over else job.state_reason or None,
        "host": _place(task),
        "attempts": job.attempts or None,
        "with its worker for": _duration(_since(job)),
        "time": None
        if usage is None
        else f"{_duration(usage.wall)}, of a core {_duration(usage.cpu)}",
        "peak memory": None if usage is None else format_bytes(usage.peak_memory),
        "error": _error_line(task),
    }
    return titled(type(job).__name__, facts(known))


def batch_html(
    title: str, scheduler: object, jobs: Sequence[JobFacts], elapsed: float | None
) -> str:
    """Returns how many jobs of a batch are in which state, and a line for each of the first."""
    counts = collections.Counter(job.state for job in jobs)
    dots = [f"{counts[each]} {state(each.value)}" for each in _ORDER if counts[each]]
    known = {
        "scheduler": scheduler,
        "jobs": Markup("&emsp;".join(dots)) if dots else "none that are not joined",
        "time": _duration(elapsed),
    }
    # Sorted by state, and within that as they were dispatched.
    shown = sorted(jobs, key=lambda job: _ORDER.index(job.state))[:_MOST_LINES]
    rest = len(jobs) - len(shown)
    return titled(title, facts(known), _lines(shown), f"and {rest} more" if rest else "")


def _lines(jobs: Iterable[JobFacts]) -> Markup:
    columns = ("job", "state", "error", "host", "attempts", "time", "peak memory")
    return rows_of(columns, map(_line, jobs))


def _line(job: JobFacts) -> tuple[object, ...]:
    usage = job.usage
    return (
        job.name,
        state(job.state.value),
        _error_line(job._task),
        job.host,
        job.attempts or None,
        _duration(_since(job) if usage is None else usage.wall),
        None if usage is None else format_bytes(usage.peak_memory),
    )


def _place(task: Task | None) -> str | None:
    if task is None or task.place is None:
        return None
    host, pid, queue_job = task.place
    return f"{host} (process {pid}{f', queue job {queue_job}' if queue_job else ''})"


def _since(job: JobFacts) -> float | None:
    """Returns for how many seconds a worker has had a job that runs, None for all others."""
    task = job._task
    if task is None or task.state is not JobState.RUNNING or job._dispatcher is None:
        return None
    return job._dispatcher.overview().held_for.get(task.id)


def _error_line(task: Task | None) -> Markup | None:
    """Returns the first line of what a job has failed with."""
    if task is None or not task.over:
        return None
    line = failure_line(task)
    return escaped(line) if line else None


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    if seconds < 1:
        return f"{1e3 * seconds:.3g} ms"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
