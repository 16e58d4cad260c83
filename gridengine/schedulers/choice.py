"""Which scheduler a program gets that names none."""

from __future__ import annotations

import _thread
import os

from ..logs import Log
from .base import Scheduler, innermost
from .process import ProcessScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .grid_engine.scheduler import GridEngineScheduler

_VARIABLE = "GRIDENGINE_SCHEDULER"

_logger = Log(__name__.rpartition(".")[0])
# `threading.Lock`, without the rest of that module: see `.base`.
_lock = _thread.allocate_lock()
_best: Scheduler | None = None


def current() -> Scheduler:
    """Returns what maps and jobs use that name no scheduler.

    That is the scheduler of the ``with`` that this thread, or task, is in; in none it is
    `best_available`.

    Raises:
        ValueError: As `best_available`.
        SchedulerUnavailable: As `best_available`.
    """
    return innermost() or best_available()


def best_available() -> Scheduler:
    """Returns the program's default scheduler: the same one until it is closed.

    That is a `GridEngineScheduler` if there is a DRMAA library whose master answers, else a
    `ProcessScheduler`. ``GRIDENGINE_SCHEDULER=process`` or ``=gridengine`` decides instead.

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
