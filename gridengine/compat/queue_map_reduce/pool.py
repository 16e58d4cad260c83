"""The pool."""

from __future__ import annotations

import functools
import os

from ..queue_pools.log import QMR_KEYS
from ..queue_pools.pool import Face, FolderPool, OnError, Options, PoolMode, grid_engine_of
from ..queue_pools.queues import GridEngineQueue

_FACE = Face("qpool", QMR_KEYS, folders=False)


class Pool(FolderPool):
    """Maps over the queue jobs of a Grid Engine.

    Args:
        queue_name: The queue, None for whichever the site has.
        python_path: The interpreter of queue jobs, None for this program's.
        polling_interval_qstat: Seconds between two looks at the queue.
        work_dir: The folder of the map, which must not exist; None for ``.qpool_`` and the time in
            the working directory.
        keep_work_dir: Whether it stays though all went well.
        max_num_resubmissions: How often a queue job that is in error is submitted again.
        error_state_indicator: What stands in the state of one that is.
        num_chunks: Chunks of neighbouring tasks at most, a queue job each; None for one of each
            task.
        qsub_path: The command.
        qstat_path: The command.
        qdel_path: The command.
        mode: ``"protocol"``: a queue job for each chunk, which reads and writes files alone, needs
            no port, and outlives the program. ``"workers"``: the calls are gridengine's own.
        on_error: ``"raise"`` the first failure in order when all are done, or ``"none"`` for None
            in its place.

    Raises:
        ValueError, AssertionError: Something in it cannot be.
    """

    def __init__(
        self,
        queue_name: str | None = None,
        python_path: str | None = None,
        polling_interval_qstat: float = 5,
        work_dir: str | os.PathLike[str] | None = None,
        keep_work_dir: bool = False,
        max_num_resubmissions: int = 10,
        error_state_indicator: str = "E",
        num_chunks: int | None = None,
        qsub_path: str = "qsub",
        qstat_path: str = "qstat",
        qdel_path: str = "qdel",
        *,
        mode: PoolMode = "protocol",
        on_error: OnError = "raise",
    ) -> None:
        self.queue_name = queue_name
        self.polling_interval_qstat = polling_interval_qstat
        self.keep_work_dir = keep_work_dir
        self.max_num_resubmissions = max_num_resubmissions
        self.error_state_indicator = error_state_indicator
        self.num_chunks = num_chunks
        self.qsub_path, self.qstat_path, self.qdel_path = qsub_path, qstat_path, qdel_path
        options = Options.of(
            num_chunks=num_chunks, python_path=python_path,
            polling_interval=polling_interval_qstat, work_dir=work_dir,
            keep_work_dir=keep_work_dir, max_num_resubmissions=max_num_resubmissions,
            mode=mode, on_error=on_error,
        )  # fmt: skip
        self.python_path, self.work_dir = options.python_path, options.work_dir
        queue = GridEngineQueue(
            qsub_path=qsub_path, qstat_path=qstat_path, qdel_path=qdel_path,
            queue_name=queue_name, python_path=self.python_path,
            error_state_indicator=error_state_indicator,
        )  # fmt: skip
        super().__init__(options, _FACE, queue, functools.partial(grid_engine_of, queue_name))
