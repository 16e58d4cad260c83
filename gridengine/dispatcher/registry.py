"""Which hub serves which scheduler."""

from __future__ import annotations

# Not `threading`, whose `Lock` this is: nothing that takes long to import comes before the first
# worker has been started.
import _thread
import os

from .early_start import Ahead

TYPE_CHECKING = False
if TYPE_CHECKING:
    import weakref

    from ..schedulers.base import Scheduler
    from .dispatcher import Hub

#: All of this process: each lives as long as its thread, or whoever uses it.
_hubs: list[weakref.ref[Hub]] = []
_lock = _thread.allocate_lock()


def hub_for(scheduler: Scheduler, host: str = "", ports: str = "", *, calls: int = 1) -> Hub:
    """Returns the hub of a scheduler, a new one if there is none or it was closed.

    Args:
        scheduler: The scheduler.
        host: As of `Hub`.
        ports: As of `Hub`.
        calls: For how many calls a new one is meant.

    Raises:
        SchedulerError: The scheduler or the network cannot be used.
    """
    known = scheduler.hubs
    hub: Hub | None = known.get((host, ports)) if known else None
    if hub is not None and not hub.closed:
        return hub
    with _lock:
        if scheduler.hubs is None:
            scheduler.hubs = {}
        hub = scheduler.hubs.get((host, ports))
        if hub is None or hub.closed:
            hub = scheduler.hubs[host, ports] = _open(scheduler, host, ports, calls)
        return hub


def _open(scheduler: Scheduler, host: str, ports: str, calls: int) -> Hub:
    ahead = None if scheduler.remote else Ahead(scheduler, calls)
    try:
        # Not before the first workers are on their way.
        import weakref

        from .dispatcher import Hub

        hub = Hub(scheduler, host=host, ports=ports, ahead=ahead)
    except BaseException:
        if ahead is not None:
            ahead.close()
        raise
    scheduler.on_close(hub.close)
    weakref.finalize(scheduler, hub.release).atexit = False
    _hubs[:] = [known for known in _hubs if known() is not None]
    _hubs.append(weakref.ref(hub))
    return hub


def open_hubs() -> list[Hub]:
    """Returns the hubs of this process that are at work."""
    with _lock:
        return [hub for known in _hubs if (hub := known()) is not None and not hub.closed]


def _start_anew() -> None:
    """In a fork of this program: it has copies of the hubs, but not their threads."""
    global _lock
    _lock = _thread.allocate_lock()
    for known in _hubs:
        hub = known()
        if hub is not None:
            hub.forsake()
    _hubs.clear()


os.register_at_fork(after_in_child=_start_anew)
