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

The rooms, lowest floor first. A module imports only from floors below its own, and on its own
floor from those that stand to its left in this table; a test holds that.

====  =============================================  ===========================================
0     ``logs`` ``states`` ``errors`` ``settings``    where a job stands; what can go wrong; numbers
      ``shared_memory`` ``zmtp``                     buffers and messages between local processes
1     ``by_value`` ``serializer`` ``items``          objects, and the items of a map, to frames
      ``ticket``                                     the host's record of a job
      ``answers``                                    what a call ended with
      ``launch``                                     the file that a supervisor starts from
2     ``protocol``                                   who says what to whom
3     ``pieces`` ``paces`` ``waiting`` ``resting``   what waits for whom, and how long; pure
      ``inquest`` ``ledger``                         who is to blame; which job is where; pure
3     ``complaints`` ``wires`` ``network``           connections, and who may speak through them
3     ``worker/``                                    the other side: supervisor and worker
3     ``schedulers/events``                          what is said of queue jobs
      ``schedulers/base``                            the contract of whatever starts workers
4     ``schedulers/process``, ``…/grid_engine``      one room for each way to start them
5     ``schedulers``                                 their names, and ``best_available()``
6     ``ahead``                                      the first workers, before all else
      ``crew``                                       who works: queue jobs and supervisors
      ``blocks`` ``coroner``                         orders to messages; deaths to certificates
      ``recalls`` ``rollcall``                       work taken back; what was lost is said again
      ``undertaker``                                 what becomes of the jobs of the dead
      ``clerk`` ``hub`` ``hubs``                     messages to events; the one thread; which one
7     ``running`` ``job``                            a job as an object; the user's handle
      ``chunks`` ``partials``                        one map on its way; named partial functions
8     ``functional`` ``dispatcher``                  faces in terms of it
9     ``reap`` ``cli``                               the command line, and what it does
====  =============================================  ===========================================
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# `typing` is left to those who need it: see `gridengine.schedulers.base`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import errors, schedulers
    from .dispatcher import JobDispatcher
    from .errors import (
        Death,
        GridEngineError,
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
    from .functional import map, raised
    from .job import Job
    from .partials import partial
    from .states import DeathCause, JobState
    from .ticket import Usage

__all__ = [
    "Death",
    "DeathCause",
    "GridEngineError",
    "Job",
    "JobCancelled",
    "JobDied",
    "JobDispatcher",
    "JobError",
    "JobExited",
    "JobState",
    "JobTimeout",
    "PackingError",
    "SchedulerError",
    "SchedulerUnavailable",
    "TimeoutError",
    "UnpackingError",
    "Usage",
    "errors",
    "map",
    "partial",
    "raised",
    "schedulers",
]

_HOMES = {
    "Job": "job",
    "JobDispatcher": "dispatcher",
    "Usage": "ticket",
    **dict.fromkeys(("map", "raised"), "functional"),
    "partial": "partials",
    **dict.fromkeys(("DeathCause", "JobState"), "states"),
}


def __getattr__(name: str) -> object:
    # On first use: a supervisor, and a program that only looks, need nearly nothing of it.
    if name in ("errors", "schedulers"):
        value: object = importlib.import_module(f".{name}", __name__)
    elif name in __all__:
        home = importlib.import_module(f".{_HOMES.get(name, 'errors')}", __name__)
        value = getattr(home, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
