"""Which dispatcher serves which scheduler."""

from __future__ import annotations

# Not `threading`, whose `Lock` this is: nothing that takes long to import comes before the first
# worker has been started.
import _thread
import atexit
import os

from .early_start import EarlyStart

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref

    from ..schedulers.base import Scheduler
    from .dispatcher import Dispatcher

#: All of this process: each lives as long as its thread, or whoever uses it.
_dispatchers: list[weakref.ref[Dispatcher]] = []
_lock = _thread.allocate_lock()


def dispatcher_for(
    scheduler: Scheduler, host: str = "", ports: str = "", *, calls: int = 1
) -> Dispatcher:
    """Returns the dispatcher of a scheduler, a new one if there is none or it was closed.

    Args:
        scheduler: The scheduler.
        host: As of `Dispatcher`.
        ports: As of `Dispatcher`.
        calls: For how many calls a new one is meant.

    Raises:
        SchedulerError: The scheduler or the network cannot be used.
    """
    known = scheduler.dispatchers
    dispatcher: Dispatcher | None = known.get((host, ports)) if known else None
    if dispatcher is not None and not dispatcher.closed:
        return dispatcher
    with _lock:
        if scheduler.dispatchers is None:
            scheduler.dispatchers = {}
        dispatcher = scheduler.dispatchers.get((host, ports))
        if dispatcher is None or dispatcher.closed:
            dispatcher = scheduler.dispatchers[host, ports] = _open(scheduler, host, ports, calls)
        return dispatcher


def _open(scheduler: Scheduler, host: str, ports: str, calls: int) -> Dispatcher:
    ahead = None if scheduler.remote else EarlyStart(scheduler, calls)
    try:
        # Not before the first workers are on their way.
        import weakref

        from .dispatcher import Dispatcher

        dispatcher = Dispatcher(scheduler, host=host, ports=ports, ahead=ahead)
    except BaseException:
        if ahead is not None:
            ahead.close()
        raise
    scheduler.on_close(dispatcher.close)
    weakref.finalize(scheduler, dispatcher.release).atexit = False
    _dispatchers[:] = [known for known in _dispatchers if known() is not None]
    _dispatchers.append(weakref.ref(dispatcher))
    return dispatcher


def open_dispatchers() -> list[Dispatcher]:
    """Returns the dispatchers of this process that are at work."""
    with _lock:
        return [
            dispatcher
            for known in _dispatchers
            if (dispatcher := known()) is not None and not dispatcher.closed
        ]


def close_all() -> None:
    """Waits for the jobs for which the program shall wait, and closes all dispatchers."""
    from .waiting import wait

    dispatchers = open_dispatchers()
    try:
        for dispatcher in dispatchers:
            for task in dispatcher.unfinished():
                wait(task)
    finally:
        for dispatcher in dispatchers:
            dispatcher.close()


def _start_anew() -> None:
    """In a fork of this program: it has copies of the dispatchers, but not their threads."""
    global _lock
    _lock = _thread.allocate_lock()
    for known in _dispatchers:
        dispatcher = known()
        if dispatcher is not None:
            dispatcher.forsake()
    _dispatchers.clear()


os.register_at_fork(after_in_child=_start_anew)

# Here, since whatever has opened a dispatcher has come by: a job, a map, a batch of jobs.
atexit.register(close_all)
