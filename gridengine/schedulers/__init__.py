"""Where jobs run.

- `ProcessScheduler`: in processes of this host, one for each core
- `GridEngineScheduler`: on a Grid Engine cluster, by way of DRMAA or of its commands
- `SlurmScheduler`: on a Slurm cluster, by way of its commands
- `InlineScheduler`: in this process and thread, for debuggers

Maps, jobs, pools and executors take one as ``scheduler=``, and each is a context manager::

    with GridEngineScheduler(h_rt="01:00:00", h_vmem="4G"):
        results = gridengine.map(f, xs)

Within the ``with`` it is what all use that name no other (`current`); outside of any that is
`best_available`: the Grid Engine or the Slurm that is here and answers, else the cores.

A batch system that is not here is a subclass of `Scheduler`, whose ``open``, ``resources_of``,
``time_limit`` and ``on_close`` are for that, and nothing for programs.
"""

from __future__ import annotations

import importlib

# `typing` is left to those who need it: see `gridengine.schedulers.base`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import Scheduler
    from .choice import best_available, current
    from .grid_engine.scheduler import GridEngineScheduler
    from .inline import InlineScheduler
    from .process import ProcessScheduler
    from .slurm.scheduler import SlurmScheduler

__all__ = [
    "GridEngineScheduler",
    "InlineScheduler",
    "ProcessScheduler",
    "Scheduler",
    "SlurmScheduler",
    "best_available",
    "current",
]

_HOMES = {
    "GridEngineScheduler": ".grid_engine.scheduler",
    "InlineScheduler": ".inline",
    "ProcessScheduler": ".process",
    "Scheduler": ".base",
    "SlurmScheduler": ".slurm.scheduler",
    "best_available": ".choice",
    "current": ".choice",
}


def __getattr__(name: str) -> object:
    # On first use: who only needs the words in which a scheduler tells what happens, and most
    # programs, never use what all of these need.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
