"""A pool of a Slurm, with a submission for each chunk."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ....schedulers import current
from ...queue_pools.log import PYPOOLPARTY_KEYS
from ...queue_pools.pool import Face, FolderPool, OnError, Options, PoolMode
from ...queue_pools.queues import SlurmQueue

#: What Slurm's daemon writes into a job's errors that is about no job.
_HARMLESS = re.compile(
    r"slurmstepd: error: .*(?:JOB NOT ENDING WITH SIGNALS|slurm_get_node_energy: .*timed out"
    r"|_get_joules_task)"
)


def filter_stderr(stderr: str) -> str:
    """Returns what was written as errors, without lines that say nothing of the job."""
    return "\n".join(line for line in stderr.split("\n") if not _HARMLESS.match(line))


FACE = Face("pypoolparty", PYPOOLPARTY_KEYS, folders=True, filter_stderr=filter_stderr)
"""Of all pools of a Slurm."""


def Pool(  # noqa: N802  # its name there
    num_chunks: int | None = None,
    python_path: str | None = None,
    polling_interval: float = 5.0,
    work_dir: str | os.PathLike[str] | None = None,
    keep_work_dir: bool = False,
    max_num_resubmissions: int = 10,
    verbose: bool = False,
    sbatch_path: str = "sbatch",
    clusters: Sequence[str] | None = None,
    squeue_path: str = "squeue",
    scancel_path: str = "scancel",
    *,
    mode: PoolMode = "protocol",
    on_error: OnError = "raise",
) -> FolderPool:
    """Returns a pool of a Slurm.

    Args:
        num_chunks: Chunks of neighbouring tasks at most; None for one of each task.
        python_path: The interpreter of queue jobs, None for this program's.
        polling_interval: Seconds between two looks at the queue.
        work_dir: In which each map makes its folder, None for the working directory.
        keep_work_dir: Whether it stays though all went well.
        max_num_resubmissions: How often a queue job that is in error is submitted again.
        verbose: Whether it is printed how all stands.
        sbatch_path: The command.
        clusters: Those of ``sbatch --clusters``, None for the own one.
        squeue_path: The command.
        scancel_path: The command.
        mode: As of `gridengine.compat.queue_map_reduce.Pool`.
        on_error: As of `gridengine.compat.queue_map_reduce.Pool`.

    Raises:
        ValueError: Something in it cannot be.
    """
    options = Options.of(
        num_chunks=num_chunks, python_path=python_path, polling_interval=polling_interval,
        work_dir=work_dir, keep_work_dir=keep_work_dir,
        max_num_resubmissions=max_num_resubmissions, verbose=verbose, mode=mode,
        on_error=on_error,
    )  # fmt: skip
    queue = SlurmQueue(
        sbatch_path=sbatch_path, squeue_path=squeue_path, scancel_path=scancel_path,
        clusters=clusters,
    )  # fmt: skip
    return FolderPool(options, FACE, queue, current)
