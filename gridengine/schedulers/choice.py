"""Which scheduler a program gets that names none."""

from __future__ import annotations

import _thread
import os

from .. import nesting, settings_file
from ..logs import Log
from .base import Scheduler, innermost
from .process import ProcessScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from .grid_engine.scheduler import GridEngineScheduler

    S = TypeVar("S", bound=Scheduler)

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
    `ProcessScheduler`; where there are signs of a cluster all the same, a warning says why.
    ``GRIDENGINE_SCHEDULER=process`` or ``=grid_engine`` decides instead, or ``scheduler`` in a
    ``gridengine.toml``, which may have arguments for either: see `gridengine.settings_file`.

    In a job it is a `ProcessScheduler` of the cores that the job was granted, whatever else: a job
    that waited for queue jobs would hold the slot that they wait for.

    Raises:
        ValueError: ``GRIDENGINE_SCHEDULER`` is something else.
        SchedulerUnavailable: It is ``grid_engine``, and there is none; the message says why.
        GridEngineError: A settings file says something that cannot be.
    """
    global _best
    with _lock:
        if _best is None:
            _best = ProcessScheduler() if nesting.in_job() else _choose(*_wanted())
            _best.on_close(_forget)
        return _best


def _wanted() -> tuple[str, str]:
    """Returns which scheduler is to be chosen, and who says so; nothing if nobody does."""
    given = os.environ.get(_VARIABLE, "").strip()
    if not given:
        return settings_file.scheduler()
    # As the package, so that nobody needs to know where the other name has its line.
    name = "grid_engine" if given.lower() == "gridengine" else given.lower()
    if name not in settings_file.SCHEDULERS:
        raise ValueError(f"{_VARIABLE}={given!r}: it is 'process' or 'grid_engine', or not set")
    return name, f"{_VARIABLE}={given}"


def _choose(wanted: str, why: str) -> Scheduler:
    if wanted == "process":
        _logger.info("workers are processes of this host, because of %s", why)
        return _made("process", ProcessScheduler, free=False)
    from ..errors import SchedulerUnavailable

    try:
        return _grid_engine()
    except SchedulerUnavailable as error:
        if wanted:
            raise SchedulerUnavailable(f"{error} (and {why} allows nothing else)") from None
        _say_why(str(error))
        return _made("process", ProcessScheduler, free=False)


def _say_why(reason: str) -> None:
    """Says why this host's cores are taken: aloud where they may be those of a login node."""
    from .grid_engine import drmaa_library

    signs = drmaa_library.signs()
    if not signs:
        _logger.info("workers are processes of this host: %s", reason)
        return
    _logger.warning(
        "workers are processes of this host, though there are signs of a cluster (%s): %s. "
        "If that is meant, set %s=process; %s=grid_engine makes it an error (or scheduler = ... "
        "in %s)",
        ", ".join(signs), reason, _VARIABLE, _VARIABLE, settings_file.NAME,
    )  # fmt: skip


def _grid_engine() -> GridEngineScheduler:
    from .grid_engine import drmaa_library

    drmaa_library.require()  # at no cost on a laptop, which has none
    from .grid_engine.scheduler import GridEngineScheduler

    scheduler = _made("grid_engine", GridEngineScheduler, free=True)
    system = scheduler.probe()
    _logger.info("workers are queue jobs of %s, whose master answers", system)
    return scheduler


def _made(name: str, kind: type[S], *, free: bool) -> S:
    """Returns a scheduler with the arguments that a settings file has for it.

    Args:
        name: That of its table.
        kind: Its class.
        free: Whether it takes arguments of any name.
    """
    code = kind.__init__.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    arguments, where = settings_file.arguments(name, code.co_varnames[1:count], free=free)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        if not arguments:
            raise
        from ..errors import GridEngineError

        raise GridEngineError(f"[{name}] in {where}: {error}") from error


def _forget() -> None:
    global _best
    with _lock:
        _best = None
