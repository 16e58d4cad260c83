"""Run Python functions on this computer's cores and, with the same code, on a cluster.

::

    import gridengine

    def f(x):
        return x * x

    if __name__ == "__main__":
        print(gridengine.map(f, [1, 2, 3]))       # on the best scheduler that there is

        job = gridengine.Job(target=f, args=(7,))  # threading.Thread's interface
        job.start()
        job.join()
        print(job.result)

`map` does what the builtin does, in parallel. A `Job` is one call, a `JobDispatcher` a batch of
them, and `partial` fixes some of a function's arguments and keeps its name; for an event loop there
is `gridengine.aio`, and a job is awaited as it is. Where they run is said
by a scheduler: `gridengine.schedulers.ProcessScheduler` for the cores of this computer,
``GridEngineScheduler`` for a Grid Engine; without one, the best that there is. A call that fails
raises what its function has raised; what else can go wrong is in `gridengine.errors`.
"""

from __future__ import annotations

import atexit as _atexit
import importlib
import sys as _sys

__version__ = "0.1.0"

# `typing` is left to those who need it: see `gridengine.schedulers.base`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import aio, errors, schedulers
    from .client.excepthook import ExceptHookArgs, excepthook
    from .client.executor.executor import Executor
    from .client.job import Job
    from .client.job_dispatcher import JobDispatcher
    from .client.map import imap, imap_unordered, map, raised
    from .client.partial import partial
    from .client.pool.async_result import AsyncResult
    from .client.pool.pool import Pool
    from .client.replay import replay
    from .errors import (
        BreakpointError,
        Death,
        GridEngineError,
        InitializerError,
        JobCancelled,
        JobDied,
        JobError,
        JobExited,
        JobTimeout,
        PackingError,
        SchedulerError,
        SchedulerUnavailable,
        TimeoutError,
        UnpackingError,
    )
    from .ledger.task import Usage
    from .serialization.by_value.importability import register_by_value, unregister_by_value
    from .states import DeathCause, JobState
    from .worker.seeds import seed_sequence

__all__ = [
    "AsyncResult",
    "BreakpointError",
    "Death",
    "DeathCause",
    "ExceptHookArgs",
    "Executor",
    "GridEngineError",
    "InitializerError",
    "Job",
    "JobCancelled",
    "JobDied",
    "JobDispatcher",
    "JobError",
    "JobExited",
    "JobState",
    "JobTimeout",
    "PackingError",
    "Pool",
    "SchedulerError",
    "SchedulerUnavailable",
    "TimeoutError",
    "UnpackingError",
    "Usage",
    "aio",
    "errors",
    "excepthook",
    "imap",
    "imap_unordered",
    "map",
    "partial",
    "raised",
    "register_by_value",
    "replay",
    "schedulers",
    "seed_sequence",
    "unregister_by_value",
]

_HOMES = {
    "AsyncResult": "client.pool.async_result",
    **dict.fromkeys(("ExceptHookArgs", "excepthook"), "client.excepthook"),
    "Executor": "client.executor.executor",
    "Job": "client.job",
    "JobDispatcher": "client.job_dispatcher",
    "Usage": "ledger.task",
    **dict.fromkeys(("imap", "imap_unordered", "map", "raised"), "client.map"),
    "partial": "client.partial",
    "Pool": "client.pool.pool",
    "replay": "client.replay",
    **dict.fromkeys(
        ("register_by_value", "unregister_by_value"), "serialization.by_value.importability"
    ),
    **dict.fromkeys(("DeathCause", "JobState"), "states"),
    "seed_sequence": "worker.seeds",
}


def __getattr__(name: str) -> object:
    # On first use: a supervisor, and a program that only looks, need nearly nothing of it.
    if name in ("aio", "errors", "schedulers"):
        value: object = importlib.import_module(f".{name}", __name__)
    elif name in __all__:
        home = importlib.import_module(f".{_HOMES.get(name, 'errors')}", __name__)
        value = getattr(home, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    # Without what only this file needs, and the folders that happen to have been imported.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def _close() -> None:
    registry = _sys.modules.get(f"{__name__}.dispatcher.registry")
    if registry is not None:
        registry.close_at_the_end()


# Here, not where a dispatcher is opened: what the program has registered since its import comes
# before this, and may still map.
_atexit.register(_close)
