"""The part with simulated workers: how the dispatcher's cost grows with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from .measure import ROOT, MeasurementError, environment
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
            answers.append(_measure(workers, _QUICK_JOBS if quick else _JOBS))
        except MeasurementError as error:
            say(f"scale: {workers} workers failed: {error}")
        else:
            say(f"scale: {workers} workers")
    return answers


def _measure(workers: int, jobs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.scale_host", str(workers), str(jobs)]
    try:
        answer = subprocess.run(  # noqa: S603  # our own program
            command,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(),
            timeout=_CHILD_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"not done in {_CHILD_PATIENCE:g} s") from None
    lines = answer.stdout.strip().splitlines()
    if answer.returncode or not lines:
        error = answer.stderr.strip().splitlines()
        raise MeasurementError(error[-1] if error else f"status {answer.returncode}")
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


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
