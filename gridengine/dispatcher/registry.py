"""Which dispatcher serves which scheduler."""

from __future__ import annotations

# Not `threading`, whose `Lock` this is: nothing that takes long to import comes before the first
# worker has been started.
import _thread
import os
import sys

from .. import nesting
from ..logs import Log
from ..serialization.context import note_environment
from .early_start import EarlyStart

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable
    from typing import Any

    from ..schedulers.base import Scheduler
    from .dispatcher import Dispatcher

log = Log(__name__)

#: All of this process: each lives as long as its thread, or whoever uses it.
_dispatchers: list[weakref.ref[Dispatcher]] = []
_afterwards: list[Callable[[], object]] = []
_lock = _thread.allocate_lock()
_over = False


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
        if _over:
            raise _too_late()
        if dispatcher is None or dispatcher.closed:
            dispatcher = scheduler.dispatchers[host, ports] = _open(scheduler, host, ports, calls)
        return dispatcher


def _open(scheduler: Scheduler, host: str, ports: str, calls: int) -> Dispatcher:
    if scheduler.inline:
        return _registered(scheduler, _open_inline(scheduler))
    if nesting.in_job():
        from .imports import refuse_in_import

        refuse_in_import()
    note_environment()
    ahead = None
    try:
        ahead = None if scheduler.remote else EarlyStart(scheduler, calls)
        # Not before the first workers are on their way.
        from .dispatcher import Dispatcher

        dispatcher = Dispatcher(scheduler, host=host, ports=ports, ahead=ahead)
    except BaseException as error:
        if ahead is not None:
            ahead.close()
        if not isinstance(error, (OSError, RuntimeError)):
            raise
        from ..errors import SchedulerError, reason_of

        raise SchedulerError(f"no workers can be started: {reason_of(error)}") from error
    return _registered(scheduler, dispatcher)


def _open_inline(scheduler: Scheduler) -> Dispatcher:
    from .inline import InlineDispatcher

    # It is none, but has all that is asked of one; a test compares them.
    dispatcher: Any = InlineDispatcher(scheduler)
    return dispatcher  # type: ignore[no-any-return]


def _registered(scheduler: Scheduler, dispatcher: Dispatcher) -> Dispatcher:
    """Returns a new dispatcher, which is closed with its scheduler, or at the end."""
    import weakref

    scheduler.on_close(dispatcher.close, lambda failed: _leave(dispatcher, failed))
    weakref.finalize(scheduler, dispatcher.release).atexit = False
    _dispatchers[:] = [known for known in _dispatchers if known() is not None]
    _dispatchers.append(weakref.ref(dispatcher))
    if "IPython" in sys.modules:
        from .interrupted_cells import watch

        watch(open_dispatchers)
    if nesting.in_job():
        nesting.opened = nesting.Opened(_wait_for_jobs, _close_idle, close_all, end_all)
        if scheduler.remote:
            _warn(scheduler)
    return dispatcher


def _too_late() -> Exception:
    from ..errors import SchedulerError

    return SchedulerError(
        "the program is at its end, and takes no more jobs: what atexit is to call and has jobs "
        "must be registered after `import gridengine`"
    )


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
    jobs = "1 job that was not over is" if count == 1 else f"{count} jobs that were not over are"
    return f"an exception has left the `with`: {jobs} cancelled"


def _warn(scheduler: Scheduler) -> None:
    log.warning(
        "a job has opened %r: it holds its own slot while it waits for others, and jobs that do so "
        "on all slots wait for each other for ever; without scheduler=... it uses what it was "
        "granted",
        scheduler,
    )


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
        _wait_for_jobs()
    finally:
        end_all()
        for callback in _afterwards:
            callback()


def end_all() -> None:
    """Closes all dispatchers; jobs that are not over are cancelled, and get to clear up."""
    # One that was about to close by itself, too: its thread would end in the middle of it.
    closing = [alive for known in _dispatchers if (alive := known()) is not None]
    # All at once: each may take some seconds.
    for dispatcher in closing:
        dispatcher.begin_to_close()
    for dispatcher in closing:
        try:
            dispatcher.close()
        except KeyboardInterrupt:
            for other in closing:
                other.hurry()


def close_at_the_end() -> None:
    """As `close_all`, for the last time: what would be opened from now on, nobody would close."""
    global _over
    try:
        close_all()
    finally:
        _over = True


def _wait_for_jobs() -> None:
    """Waits for the jobs for which the program shall wait, or the job that has started them."""
    from .waiting import wait, was_interrupted

    for dispatcher in open_dispatchers():
        for task in dispatcher.unfinished():
            if not _ended_by_ctrl_c() and not was_interrupted(task):
                wait(task)


def _ended_by_ctrl_c() -> bool:
    # At a prompt, that was any one before.
    return isinstance(getattr(sys, "last_value", None), KeyboardInterrupt) and not hasattr(
        sys, "ps1"
    )


def after_all(callback: Callable[[], object]) -> None:
    """Has ``callback`` called at the end of the program, when all dispatchers are closed."""
    _afterwards.append(callback)


def _close_idle() -> None:
    """Closes, in a worker that rests, what its jobs have left open; it is opened anew if needed."""
    import threading

    # A thread that a job has left behind may be about to use it.
    main = threading.main_thread()
    if all(each is main or each.name.startswith("gridengine") for each in threading.enumerate()):
        for dispatcher in open_dispatchers():
            dispatcher.release()


def _start_anew() -> None:
    """In a fork of this program: it has copies of the dispatchers, but not their threads."""
    global _lock, _over
    _lock = _thread.allocate_lock()
    _over = False
    for known in _dispatchers:
        dispatcher = known()
        if dispatcher is not None:
            dispatcher.forsake()
    _dispatchers.clear()


os.register_at_fork(after_in_child=_start_anew)
