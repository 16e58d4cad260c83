"""Which scheduler the doctor tests: the one that maps and jobs get, or would get."""

from __future__ import annotations

import os

from .. import nesting
from ..errors import SchedulerUnavailable
from ..schedulers import choice
from ..schedulers.base import Scheduler, innermost
from ..schedulers.grid_engine import drmaa_library, way
from ..schedulers.slurm import presence
from .report import Check


def wanted(given: choice.SchedulerLike | None) -> tuple[Scheduler | None, Check]:
    """Returns the scheduler that is to be tested, and why it is that one.

    Raises:
        TypeError, ValueError, GridEngineError: As `gridengine.doctor`.
    """
    name, why = "", ""
    if given is None:
        given = innermost()
    if isinstance(given, str):
        choice.check(given)
        name, why = choice.ALIASES.get(given, given), "asked for"
    elif given is not None:
        made = choice.scheduler_for(given)
        return made, Check("scheduler", "ok", f"{made!r}")
    elif nesting.in_job():
        name, why = "process", "a job uses the cores that it was granted"
    else:
        name, why = choice.wanted()
    if name in ("process", "inline"):
        told = f"{name}, because of {why}; no cluster is tested (--scheduler grid_engine does)"
        return choice.scheduler_for(name), Check("scheduler", "ok", told)
    if name in ("grid_engine", "slurm"):
        made = choice.described(name)
        return made, Check("scheduler", "ok", f"{made!r}, {why}")
    if name:
        made = choice.scheduler_for(name)
        return made, Check("scheduler", "ok", f"{made!r}, {why}")
    return _best()


def _best() -> tuple[Scheduler, Check]:
    """Returns what is tested where nobody says which: as `choice.best_available` would choose."""
    reason = way.problem("auto")
    has_slurm = presence.missing(os.environ) is None
    if reason is None:
        grid_engine = choice.described("grid_engine")
        if has_slurm:
            try:
                grid_engine.probe()
            except SchedulerUnavailable as error:
                made = choice.described("slurm")
                told = f"{made!r}, for the Grid Engine cannot be used: {error}"
                return made, Check("scheduler", "warning", told, "--scheduler grid_engine tests it")
        return grid_engine, Check("scheduler", "ok", f"{grid_engine!r}")
    if has_slurm:
        scheduler = choice.described("slurm")
        return scheduler, Check("scheduler", "ok", f"{scheduler!r}")
    signs = {"grid_engine": drmaa_library.signs(), "slurm": presence.signs()}
    for likely, found in signs.items():
        if found:
            seen = ", ".join(sign for each in signs.values() for sign in each)
            told = f"this host's cores, though there are signs of a cluster ({seen})"
            return choice.described(likely), Check("scheduler", "warning", told)
    told = f"this host's cores, for there is no Grid Engine: {reason}; and no Slurm"
    return choice.scheduler_for("process"), Check("scheduler", "ok", told)
