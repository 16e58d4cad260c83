"""Pools of a Grid Engine."""

from __future__ import annotations

import functools
import os

from ..queue_pools.log import PYPOOLPARTY_KEYS
from ..queue_pools.pool import Face, FolderPool, OnError, Options, PoolMode, grid_engine_of
from ..queue_pools.queues import GridEngineQueue

_FACE = Face("pypoolparty", PYPOOLPARTY_KEYS, folders=True)


def Pool(  # noqa: N802  # its name there
    num_chunks: int | None = None,
    python_path: str | None = None,
    polling_interval: float = 5.0,
    work_dir: str | os.PathLike[str] | None = None,
    keep_work_dir: bool = False,
    max_num_resubmissions: int = 10,
    verbose: bool = False,
    qsub_path: str = "qsub",
    queue_name: str | None = None,
    qstat_path: str = "qstat",
    error_state_indicator: str = "E",
    qdel_path: str = "qdel",
    *,
    mode: PoolMode = "protocol",
    on_error: OnError = "raise",
) -> FolderPool:
    """Returns a pool of a Grid Engine.

    Args:
        num_chunks: Chunks of neighbouring tasks at most; None for one of each task.
        python_path: The interpreter of queue jobs, None for this program's.
        polling_interval: Seconds between two looks at the queue.
        work_dir: In which each map makes its folder, None for the working directory.
        keep_work_dir: Whether it stays though all went well.
        max_num_resubmissions: How often a queue job that is in error is submitted again.
        verbose: Whether it is printed how all stands.
        qsub_path: The command.
        queue_name: The queue, None for whichever the site has.
        qstat_path: The command.
        error_state_indicator: What stands in the state of a queue job that is in error.
        qdel_path: The command.
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
    queue = GridEngineQueue(
        qsub_path=qsub_path, qstat_path=qstat_path, qdel_path=qdel_path, queue_name=queue_name,
        python_path=options.python_path, error_state_indicator=error_state_indicator,
    )  # fmt: skip
    return FolderPool(options, _FACE, queue, functools.partial(grid_engine_of, queue_name))
