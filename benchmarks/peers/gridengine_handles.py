"""gridengine behind the interfaces of the standard library's pools."""

from __future__ import annotations

import gridengine

from .concurrent_futures import FuturesPeer
from .multiprocessing_pool import Pool


class GridEnginePool(Pool):
    """`gridengine.Pool` on this host's cores."""

    abilities = frozenset({"map", "imap", "submit"})

    def __init__(self, workers: int) -> None:
        self._pool = gridengine.Pool(workers, scheduler="process")


class GridEngineExecutor(FuturesPeer):
    """`gridengine.Executor` on this host's cores."""

    abilities = frozenset({"map", "submit"})

    def __init__(self, workers: int) -> None:
        self._executor = gridengine.Executor(workers, scheduler="process")
