"""Which Grid Engine a session is of, and the queue job in which its program runs."""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM = "grid_engine"
"""By which a session's file says that it is of a Grid Engine."""


def own_queue_job(environ: Mapping[str, str]) -> str:
    """Returns the queue job in which this process runs, such as ``17.1``; empty if in none."""
    job, task = environ.get("JOB_ID", ""), environ.get("SGE_TASK_ID", "")
    if not job.isdigit():
        return ""
    return f"{job}.{task if task.isdigit() else 1}"


def identity(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns what a session's file says of its Grid Engine."""
    return {
        "system": SYSTEM,
        "driver": own_queue_job(environ),
        "SGE_ROOT": environ.get("SGE_ROOT", ""),
        "SGE_CELL": environ.get("SGE_CELL", "default"),
    }
