"""A pool of a Slurm, with one submission of an array for each map."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from logging import Logger
from typing import Any

from ....schedulers import current
from ...queue_pools.pool import FolderPool, OnError, Options, PoolMode
from ...queue_pools.queues import SlurmQueue
from ...queue_pools.run import AsArray, ChunkJobs
from ...queue_pools.work_dir import WorkDir
from .pool import FACE


class Pool(FolderPool):
    """Maps over the tasks of an array, one task of a map each.

    Args:
        num_simultaneously_running_tasks: How many may run at one time, None for any number.
        python_path: The interpreter of queue jobs, None for this program's.
        polling_interval: Seconds between two looks at the queue.
        work_dir: In which each map makes its folder, None for the working directory.
        keep_work_dir: Whether it stays though all went well.
        verbose: Whether it is printed how all stands.
        slurm_call_timeout: Accepted, and not needed: commands have a limit of two minutes.
        max_num_resubmissions: How often a task that is in error is submitted again, None for no
            limit.
        sbatch_path: The command.
        squeue_path: The command.
        scancel_path: The command.
        mode: As of `gridengine.compat.queue_map_reduce.Pool`.
        on_error: As of `gridengine.compat.queue_map_reduce.Pool`.

    Raises:
        ValueError: Something in it cannot be.
    """

    _is_array = True

    def __init__(
        self,
        num_simultaneously_running_tasks: int | None = None,
        python_path: str | None = None,
        polling_interval: float = 5.0,
        work_dir: str | os.PathLike[str] | None = None,
        keep_work_dir: bool = False,
        verbose: bool = False,
        slurm_call_timeout: float = 60.0,
        max_num_resubmissions: int | None = None,
        sbatch_path: str = "sbatch",
        squeue_path: str = "squeue",
        scancel_path: str = "scancel",
        *,
        mode: PoolMode = "protocol",
        on_error: OnError = "raise",
    ) -> None:
        self._at_once = num_simultaneously_running_tasks
        self._slurm = SlurmQueue(
            sbatch_path=sbatch_path, squeue_path=squeue_path, scancel_path=scancel_path
        )
        options = Options.of(
            python_path=python_path, polling_interval=polling_interval, work_dir=work_dir,
            keep_work_dir=keep_work_dir, max_num_resubmissions=max_num_resubmissions,
            verbose=verbose, mode=mode, on_error=on_error,
        )  # fmt: skip
        super().__init__(options, FACE, self._slurm, current)

    def map(
        self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None
    ) -> list[Any]:
        """As `FolderPool.map`; ``chunksize`` is not heeded: each task is one of the array."""
        return super().map(func, iterable)

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
    ) -> list[Any]:
        """As `map`, with the arguments of each call in an iterable."""
        return super().starmap(func, iterable)

    def _jobs(self, work: WorkDir, logger: Logger) -> ChunkJobs:
        return AsArray(work, self._slurm, logger, self._at_once)
