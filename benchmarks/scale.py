"""The part with simulated workers: how the dispatcher's cost grows with them."""

from __future__ import annotations

from collections.abc import Callable

from .measure import MeasurementError, run_child
from .report import aligned
from .rows import amount

_WORKERS = (10, 100, 500, 1000, 2000)
_JOBS = 1_000_000
_QUICK_WORKERS = (10, 50)
_QUICK_JOBS = 20_000

_CANCELLED = (1000, 10_000, 100_000)
_QUICK_CANCELLED = (1000,)

_CHILD_PATIENCE = 300.0


def run(*, quick: bool, say: Callable[[str], None]) -> list[dict[str, float]]:
    """Measures a dispatcher with more and more workers, each in a fresh process."""
    answers = []
    for workers in _QUICK_WORKERS if quick else _WORKERS:
        try:
            jobs = _QUICK_JOBS if quick else _JOBS
            command = ["benchmarks.scale_host", str(workers), str(jobs)]
            answers.append(run_child(command, _CHILD_PATIENCE))
        except MeasurementError as error:
            say(f"scale: {workers} workers failed: {error}")
        else:
            say(f"scale: {workers} workers")
    return answers


def run_cancel(*, quick: bool, say: Callable[[str], None]) -> list[dict[str, float]]:
    """Measures how long it takes to cancel more and more waiting jobs."""
    answers = []
    for jobs in _QUICK_CANCELLED if quick else _CANCELLED:
        try:
            answers.append(run_child(["benchmarks.cancel_host", str(jobs)], _CHILD_PATIENCE))
        except MeasurementError as error:
            say(f"cancel: {jobs} jobs failed: {error}")
        else:
            say(f"cancel: {jobs} jobs")
    return answers


def cancel_table(answers: list[dict[str, float]]) -> str:
    """Returns what cancelling takes as a table."""
    lines = [["waiting jobs", "cancelled together", "one by one"]]
    for answer in answers:
        times = (amount(answer[how], "s") for how in ("together", "one_by_one"))
        lines.append([f"{answer['jobs']:.0f}", *times])
    return aligned(lines)


def table(answers: list[dict[str, float]]) -> str:
    """Returns the growth as a table."""
    lines = [
        [
            "workers",
            "jobs/s",
            "taken in",
            "dispatcher's time a job",
            "memory a queued job",
            "memory a worker",
            "all have arrived after",
        ]
    ]
    for answer in answers:
        lines.append(
            [
                f"{answer['workers']:.0f}",
                amount(answer["rate"], "/s"),
                amount(answer["submit_rate"], "/s"),
                f"{answer['cpu_per_job'] * 1e6:.2f} µs",
                f"{answer['memory_per_queued_job']:.0f} B",
                f"{answer['memory_per_worker'] / 1000:.0f} kB",
                amount(answer["arrival"], "s"),
            ]
        )
    return aligned(lines)
