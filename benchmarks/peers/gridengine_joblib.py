"""joblib with gridengine's backend."""

from __future__ import annotations

import joblib

import gridengine.compat.joblib  # has joblib know the name

from .joblib_parallel import Joblib


class GridEngineJoblib(Joblib):
    """`joblib.Parallel` on gridengine's workers, on this host's cores."""

    abilities = frozenset({"map", "joblib"})

    def __init__(self, workers: int) -> None:
        self._scheduler = gridengine.schedulers.ProcessScheduler(workers)
        self._config = joblib.parallel_config("gridengine", scheduler=self._scheduler)
        super().__init__(workers)

    def close(self) -> None:
        super().close()
        self._config.unregister()
        self._scheduler.close()
