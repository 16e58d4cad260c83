"""Which scheduler a program gets that names none."""

from __future__ import annotations

import _thread
import os

from .. import nesting
from ..logs import Log
from .base import Scheduler
from .process import ProcessScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .grid_engine.scheduler import GridEngineScheduler

_VARIABLE = "GRIDENGINE_SCHEDULER"

_logger = Log(__name__.rpartition(".")[0])
# `threading.Lock`, without the rest of that module: see `.base`.
_lock = _thread.allocate_lock()
_best: Scheduler | None = None


def best_available() -> Scheduler:
    """Returns the program's default scheduler: the same one until it is closed.

    That is a `GridEngineScheduler` if there is a DRMAA library whose master answers, else a
    `ProcessScheduler`. ``GRIDENGINE_SCHEDULER=process`` or ``=gridengine`` decides instead.
    In a job it is a `ProcessScheduler` of the cores that the job was granted, whatever else: a job
    that waited for queue jobs would hold the slot that they wait for.

    Raises:
        ValueError: ``GRIDENGINE_SCHEDULER`` is something else.
        SchedulerUnavailable: It is ``gridengine``, and there is none; the message says why.
    """
    global _best
    with _lock:
        if _best is None:
            _best = _choose(os.environ.get(_VARIABLE, "").strip().lower())
            _best.on_close(_forget)
        return _best


def _choose(wanted: str) -> Scheduler:
    if nesting.in_job():
        return ProcessScheduler()
    if wanted == "process":
        _logger.info("workers are processes of this host, because of %s=%s", _VARIABLE, wanted)
        return ProcessScheduler()
    if wanted not in ("", "gridengine"):
        raise ValueError(f"{_VARIABLE}={wanted!r}: it is 'process' or 'gridengine', or not set")
    from ..errors import SchedulerUnavailable

    try:
        return _grid_engine()
    except SchedulerUnavailable as error:
        if wanted:
            raise
        _logger.info("workers are processes of this host: %s", error)
        return ProcessScheduler()


def _grid_engine() -> GridEngineScheduler:
    from .grid_engine import drmaa_library

    drmaa_library.require()  # at no cost on a laptop, which has none
    from .grid_engine.scheduler import GridEngineScheduler

    scheduler = GridEngineScheduler()
    system = scheduler.probe()
    _logger.info("workers are queue jobs of %s, whose master answers", system)
    return scheduler


def _forget() -> None:
    global _best
    with _lock:
        _best = None
