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
