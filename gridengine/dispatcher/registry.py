"""Which dispatcher serves which scheduler."""

from __future__ import annotations

# Not `threading`, whose `Lock` this is: nothing that takes long to import comes before the first
# worker has been started.
import _thread
import atexit
import os
import sys

from ..logs import Log
from .early_start import EarlyStart

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

    from ..ledger.task import Task
    from ..schedulers.base import Scheduler
    from .dispatcher import Dispatcher

log = Log(__name__)

#: All of this process: each lives as long as its thread, or whoever uses it.
_dispatchers: list[weakref.ref[Dispatcher]] = []
_afterwards: list[Callable[[], object]] = []
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
    ahead = None
    try:
        ahead = None if scheduler.remote else EarlyStart(scheduler, calls)
        # Not before the first workers are on their way.
        import weakref

        from .dispatcher import Dispatcher

        dispatcher = Dispatcher(scheduler, host=host, ports=ports, ahead=ahead)
    except BaseException as error:
        if ahead is not None:
            ahead.close()
        if not isinstance(error, OSError):
            raise
        from ..errors import SchedulerError, reason_of

        raise SchedulerError(f"no workers can be started: {reason_of(error)}") from error
    scheduler.on_close(dispatcher.close, lambda failed: _leave(dispatcher, failed))
    weakref.finalize(scheduler, dispatcher.release).atexit = False
    _dispatchers[:] = [known for known in _dispatchers if known() is not None]
    _dispatchers.append(weakref.ref(dispatcher))
    return dispatcher


def _leave(dispatcher: Dispatcher, failed: bool) -> None:
    """At the end of a ``with``: waits for the jobs, or after an exception says what it cancels."""
    from .waiting import wait

    while tasks := dispatcher.unfinished():
        if failed:
            log.warning("%s", cancelled(len(tasks)))
            return
        for task in tasks:
            wait(task)


def cancelled(count: int) -> str:
    """Returns what to say of jobs that are cancelled because a ``with`` ends by an exception."""
    jobs = "1 job that was" if count == 1 else f"{count} jobs that were"
    return f"an exception has left the `with`: {jobs} not over are cancelled"


def open_dispatchers() -> list[Dispatcher]:
    """Returns the dispatchers of this process that are at work."""
    with _lock:
        return [
            dispatcher
            for known in _dispatchers
            if (dispatcher := known()) is not None and not dispatcher.closed
        ]


def close_all() -> None:
    """Waits for the jobs for which the program shall wait, and closes all dispatchers.

    After Ctrl-C the program waits for no job from before that, but for what the jobs do to clear
    up; and once more, not even for that.
    """
    try:
        for dispatcher in open_dispatchers():
            _wait_for(dispatcher.unfinished())
    finally:
        # One that is about to close by itself, too: its thread would end in the middle of it.
        dispatchers = [alive for known in _dispatchers if (alive := known()) is not None]
        # All at once: each may take some seconds.
        for dispatcher in dispatchers:
            dispatcher.begin_to_close()
        for dispatcher in dispatchers:
            try:
                dispatcher.close()
            except KeyboardInterrupt:
                for other in dispatchers:
                    other.hurry()
        for callback in _afterwards:
            callback()


def _wait_for(tasks: list[Task]) -> None:
    if not tasks or _ended_by_ctrl_c():
        return
    from .waiting import wait, was_interrupted

    for task in tasks:
        if not was_interrupted(task):
            wait(task)


def _ended_by_ctrl_c() -> bool:
    # At a prompt, that was any one before.
    return isinstance(getattr(sys, "last_value", None), KeyboardInterrupt) and not hasattr(
        sys, "ps1"
    )


def after_all(callback: Callable[[], object]) -> None:
    """Has ``callback`` called at the end of the program, when all dispatchers are closed."""
    _afterwards.append(callback)


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
