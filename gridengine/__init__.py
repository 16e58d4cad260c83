"""Run Python functions on this computer's cores and, with the same code, on a cluster.

A first program::

    import gridengine

    def f(x):
        return x * x

    if __name__ == "__main__":
        print(gridengine.map(f, [1, 2, 3]))        # [1, 4, 9]

        job = gridengine.Job(target=f, args=(7,))
        job.start()
        print(job.result)                          # 49

Five names to begin with, each with a ``help`` of its own:

- `map` is the builtin, in parallel; `imap` yields the results one by one, as they come.
- `Job` is one call, with the interface of `threading.Thread` and a ``result``.
- `Pool` and `Executor` have the interfaces of `multiprocessing.Pool` and of
  `concurrent.futures.ProcessPoolExecutor`.
- `schedulers` says where all of them run: ``ProcessScheduler`` is this computer's cores,
  ``GridEngineScheduler`` a Grid Engine, ``InlineScheduler`` this very process, for debuggers.

Without a ``scheduler=``, and outside of a ``with`` of one, that is the Grid Engine if there is one
that answers, else the cores. A call that fails raises what its function has raised, with the
traceback of the worker; what else can go wrong is in `gridengine.errors`.

For programs with an event loop there is `gridengine.aio`, and ``await job``; for joblib and
scikit-learn ``gridengine.compat.joblib``. ``python -m gridengine.example`` tries whether it works
here, and the pages that say more, from what follows a function to a worker to how one behaves on a
cluster, are in the folder ``docs`` of the source. What is not in ``gridengine.__all__`` is not for
programs, and may change.
"""

from __future__ import annotations

import atexit as _atexit
import importlib
import sys as _sys

__version__ = "0.2.0"

# `typing` is left to those who need it: see `gridengine.schedulers.base`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import aio, errors, schedulers
    from .client.excepthook import ExceptHookArgs, excepthook
    from .client.executor.executor import Executor
    from .client.job import Job
    from .client.job_dispatcher import JobDispatcher
    from .client.map import imap, imap_unordered, map
    from .client.partial import partial
    from .client.pool.async_result import AsyncResult
    from .client.pool.pool import Pool
    from .client.raised import raised
    from .client.replay import replay
    from .diagnosis.doctor import doctor
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
    "doctor",
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
    **dict.fromkeys(("imap", "imap_unordered", "map"), "client.map"),
    "partial": "client.partial",
    "Pool": "client.pool.pool",
    "raised": "client.raised",
    "replay": "client.replay",
    "doctor": "diagnosis.doctor",
    **dict.fromkeys(
        ("register_by_value", "unregister_by_value"), "serialization.by_value.importability"
    ),
    **dict.fromkeys(("DeathCause", "JobState"), "states"),
    "seed_sequence": "worker.seeds",
}

#: What the first gridengine had here too; see ``docs/migrate/first-gridengine.md``.
_FIRST_MODULES = ("dispatch", "functional", "job")
_FIRST_NAMES = ("GridEngineScheduler", "ProcessScheduler")


def __getattr__(name: str) -> object:
    # On first use: a supervisor, and a program that only looks, need nearly nothing of it.
    if name in ("aio", "errors", "schedulers", *_FIRST_MODULES):
        value: object = importlib.import_module(f".{name}", __name__)
    elif name in _FIRST_NAMES:
        value = getattr(importlib.import_module(".schedulers", __name__), name)
    elif name in __all__:
        home = importlib.import_module(f".{_HOMES.get(name, 'errors')}", __name__)
        value = getattr(home, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    # Without what only this file needs, and the folders that happen to have been imported; `help`
    # would show its functions, too.
    hidden = ("__dir__", "__getattr__")
    special = (name for name in globals() if name.startswith("__") and name not in hidden)
    return sorted({*__all__, *special})


def _close() -> None:
    registry = _sys.modules.get(f"{__name__}.dispatcher.registry")
    if registry is not None:
        registry.close_at_the_end()


# Here, not where a dispatcher is opened: what the program has registered since its import comes
# before this, and may still map.
_atexit.register(_close)
