"""Which Slurm a session is of, and the queue job in which its program runs."""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM = "slurm"
"""By which a session's file says that it is of a Slurm."""


def own_queue_job(environ: Mapping[str, str]) -> str:
    """Returns the number of the queue job in which this process runs; empty if in none.

    Of one of an array, too: each has a number of its own.
    """
    job = environ.get("SLURM_JOB_ID", "")
    return job if job.isdigit() else ""


def identity(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns what a session's file says of its Slurm."""
    return {
        "system": SYSTEM,
        "driver": own_queue_job(environ),
        "SLURM_CONF": environ.get("SLURM_CONF", ""),
    }
