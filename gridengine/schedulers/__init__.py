"""Ways to start workers: the names, and `best_available` to choose one.

- `Scheduler`: the contract; a new batch system is one file that keeps it
- `current`: what is used where none is named
- `ProcessScheduler`: processes of this host
- `InlineScheduler`: this process and thread, for debuggers
- `GridEngineScheduler`: queue jobs of a Grid Engine cluster, by way of DRMAA
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

__all__ = [
    "GridEngineScheduler",
    "InlineScheduler",
    "ProcessScheduler",
    "Scheduler",
    "best_available",
    "current",
]

_HOMES = {
    "GridEngineScheduler": ".grid_engine.scheduler",
    "InlineScheduler": ".inline",
    "ProcessScheduler": ".process",
    "Scheduler": ".base",
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
