"""What ``gridengine status`` writes for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...observers.watching import WatchedScheduler
from . import rows
from .rows import Row

#: Rows of one table, if not all are asked for.
_MOST = 40

_INDENT = "  "


def lines(
    programs: Sequence[Sequence[WatchedScheduler]],
    silent: Sequence[int],
    *,
    all_rows: bool,
    run_dir: str = "",
) -> Iterator[str]:
    """Yields the lines.

    Args:
        programs: The schedulers of each program.
        silent: Process ids of programs that do not answer.
        all_rows: Whether long tables are written as a whole.
        run_dir: Where they were looked for, empty for where they are by default.
    """
    most = None if all_rows else _MOST
    if not programs and not silent:
        where = f" with its folder in {run_dir}" if run_dir else ""
        yield f"no program of yours runs jobs on this host{where}"
    for number, program in enumerate(programs):
        if number:
            yield ""
        yield rows.heading(program)
        for scheduler in program:
            yield from (f"{_INDENT}{line}".rstrip() for line in _scheduler(scheduler, most))
    for pid in silent:
        yield (
            f"process {pid} does not answer: it is stopped, busy, ends, or is watched by too many"
        )


def _scheduler(scheduler: WatchedScheduler, most: int | None) -> Iterator[str]:
    facts, view, path = scheduler.facts, scheduler.view, scheduler.path
    yield from rows.summary(facts, view)
    tables = [(rows.WORKERS, rows.worker_rows(path, view))]
    # On this host, what is called a queue job is the process that starts the workers.
    if any(job.remark or job.reason or not job.host for job in view.queue_jobs.values()) or (
        any(job.host != facts.host for job in view.queue_jobs.values())
    ):
        tables.append((rows.QUEUE_JOBS, rows.queue_job_rows(path, view)))
    tables += [
        (("JOBS OF THIS MOMENT", *rows.JOBS[1:]), rows.job_rows(path, view)),
        (rows.FAILURES, rows.failure_rows(path, view)),
    ]
    for headings, found in tables:
        if found:
            yield ""
            yield from table(headings, found, most)


def table(headings: Sequence[str], found: Sequence[Row], most: int | None) -> Iterator[str]:
    """Yields the lines of a table, of which ``most`` rows are written, all if it is None."""
    shown = [headings, *(row.cells for row in found[:most])]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for cells in shown:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join(padded).rstrip()
    if most is not None and len(found) > most:
        yield f"... and {len(found) - most:,} more: --all shows them"
