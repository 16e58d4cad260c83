"""Which hub serves which scheduler."""

from __future__ import annotations

import os
import threading
import weakref

from .ahead import Ahead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .hub import Hub
    from .schedulers.base import Scheduler

_hubs: weakref.WeakKeyDictionary[Scheduler, dict[tuple[int, str, str], Hub]] = (
    weakref.WeakKeyDictionary()
)
_hubs_lock = threading.Lock()


def _nothing() -> None:
    """Stands for a reference to what is gone."""


#: The last scheduler whose hub was asked for without host and ports, and that hub: nearly always
#: the next is the same, and to look into the dictionary takes three times as long.
_latest: tuple[Callable[[], Scheduler | None], Callable[[], Hub | None]] = (_nothing, _nothing)


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
    global _latest
    latest, its_hub = _latest
    if latest() is scheduler and not (host or ports):
        hub = its_hub()
        if hub is not None and not hub.closed:
            return hub
    hub = _find(scheduler, host, ports, calls)
    if not (host or ports):
        _latest = weakref.ref(scheduler), weakref.ref(hub)
    return hub


def _find(scheduler: Scheduler, host: str, ports: str, calls: int) -> Hub:
    # A fork of this program has a copy of the hub, but not of its thread.
    key = (os.getpid(), host, ports)
    known = _hubs.get(scheduler)
    hub = known.get(key) if known else None
    if hub is not None and not hub.closed:
        return hub
    with _hubs_lock:
        mine = _hubs.setdefault(scheduler, {})
        hub = mine.get(key)
        if hub is None or hub.closed:
            hub = mine[key] = _open(scheduler, host, ports, calls)
            scheduler.on_close(hub.close)
            weakref.finalize(scheduler, hub.release).atexit = False
        return hub


def _open(scheduler: Scheduler, host: str, ports: str, calls: int) -> Hub:
    ahead = None if scheduler.remote else Ahead(scheduler, calls)
    try:
        # Not before the first workers are on their way.
        from .hub import Hub

        return Hub(scheduler, host=host, ports=ports, ahead=ahead)
    except BaseException:
        if ahead is not None:
            ahead.close()
        raise


def open_hubs() -> list[Hub]:
    """Returns the hubs of this process that are at work."""
    with _hubs_lock:
        every = [pair for hubs in _hubs.values() for pair in hubs.items()]
    return [hub for key, hub in every if key[0] == os.getpid() and not hub.closed]


def _start_anew() -> None:
    global _hubs_lock, _latest
    _hubs_lock = threading.Lock()
    _latest = _nothing, _nothing


os.register_at_fork(after_in_child=_start_anew)
