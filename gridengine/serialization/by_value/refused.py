"""What plain pickle refuses: some of it dill can send; of the rest, why it cannot travel."""

from __future__ import annotations

import io
import sys
import types
import weakref
from typing import Any


def reduce_refused(obj: Any) -> Any:
    """Returns how an object travels that plain pickle refuses; NotImplemented if it does not.

    Raises:
        TypeError: It cannot travel; the message says what to do instead.
    """
    if isinstance(obj, (type, types.FunctionType)):
        return NotImplemented
    if isinstance(obj, property):
        return type(obj), (obj.fget, obj.fset, obj.fdel, obj.__doc__)
    if isinstance(obj, io.TextIOBase) and (name := _standard_stream(obj)):
        return getattr, (sys, name)
    if type(obj) in (weakref.WeakKeyDictionary, weakref.WeakValueDictionary):
        return type(obj), (dict(obj),)
    try:
        obj.__reduce_ex__(5)
    # As those of multiprocessing, which are for forks.
    except RuntimeError:
        if reason := why_not(obj):
            raise TypeError(reason) from None
        raise
    except TypeError as error:
        if reason := why_not(obj):
            raise TypeError(reason) from None
        return _with_dill(obj, error)
    return NotImplemented


def refuse(obj: Any) -> Any:
    """Refuses what plain pickle would send, though it is of no use elsewhere.

    Raises:
        TypeError: Always; the message says what to do instead.
    """
    raise TypeError(why_not(obj))


def _standard_stream(obj: io.TextIOBase) -> str | None:
    for name in ("stdin", "stdout", "stderr"):
        if obj is getattr(sys, name):
            return name
    return None


def belongs_to_a_process(obj: Any) -> bool:
    """Returns True for what each process must have of its own: a lock, an open file."""
    return why_not(obj) is not None


def why_not(obj: Any) -> str | None:
    """Returns why something cannot leave its process, and what to do instead; else None."""
    if isinstance(obj, io.IOBase) and not isinstance(obj, (io.BytesIO, io.StringIO)):
        return (
            f"an open file ({getattr(obj, 'name', None)!r}) belongs to the process that opened it; "
            "open it where it is used, or send what is in it"
        )
    kind = type(obj)
    names = {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}
    for group, reason in _BELONG_TO_A_PROCESS.items():
        if not names.isdisjoint(group):
            return f"a {kind.__name__} {reason}"
    return None


_BELONG_TO_A_PROCESS = {
    (
        "builtins.generator",
        "builtins.coroutine",
        "builtins.async_generator",
    ): "stands in the middle of its code, in this process; make a list of what it yields",
    (
        "_thread.lock",
        "_thread.RLock",
        "threading.Condition",
        "threading.Event",
    ): "holds within one process only; make it where it is used",
    (
        "_thread._local",
        "_contextvars.ContextVar",
    ): "has another value in each thread; send the value",
    (
        "_socket.socket",
        "sqlite3.Connection",
        "zmq.sugar.socket.Socket",
    ): "belongs to the process that opened it; open it where it is used",
    (
        "_multiprocessing.SemLock",
        "multiprocessing.synchronize.SemLock",
        "multiprocessing.synchronize.Condition",
        "multiprocessing.synchronize.Event",
        "multiprocessing.synchronize.Barrier",
        "multiprocessing.queues.Queue",
        "multiprocessing.queues.SimpleQueue",
        "multiprocessing.sharedctypes.SynchronizedBase",
        "multiprocessing.connection._ConnectionBase",
    ): (
        "is for forks of this program, and workers are none; take that of a "
        "multiprocessing.Manager(), or have the calls return what they would put there"
    ),
    ("mmap.mmap",): (
        "belongs to this program and its forks, and workers are none; map the file where it is "
        "used, and for values that calls share take those of a multiprocessing.Manager()"
    ),
    (
        "builtins.frame",
        "builtins.traceback",
        "threading.Thread",
    ): "is of this process alone; send what you need of it",
}


def _with_dill(obj: Any, refusal: TypeError) -> Any:
    import dill

    try:
        return dill.loads, (dill.dumps(obj, protocol=5),)
    # dill raises whatever it stumbles over; the first refusal says it best.
    except Exception:
        raise refusal from None
