"""The start of the session process, and its end."""

from __future__ import annotations

import importlib
import os
import queue
import signal
import sys
import threading

from .batch_system import BatchSystem, Denied
from .messages import Hello, SessionFailed
from .pipes import MessageReader, MessageWriter, Orphaned
from .program import Program


def main() -> None:
    """Runs the session process."""
    threading.excepthook = _end
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
        # A terminal's Ctrl-C is for the program, which says here what to do about it.
        signal.signal(number, signal.SIG_IGN)
    inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
    orders, news = _private(0, os.O_RDONLY), _private(1, os.O_WRONLY)
    MessageReader(orders, inbox.put)
    writer = MessageWriter(news)
    hello = inbox.get()
    if isinstance(hello, Hello):
        if hello.parent != os.getppid():
            inbox.put(Orphaned())  # it died before there was anything to watch
        sys.path += [path for path in hello.sys_path if path not in sys.path]
        try:
            Program(hello, _batch_system(hello.batch_system), writer, inbox).run()
        except Denied as error:
            writer.send(SessionFailed(str(error)))
    writer.finish(1.0)
    # At once: a thread may wait for a command that hangs.
    os._exit(0)


def _end(failed: threading.ExceptHookArgs) -> None:
    """Ends the process if one of its threads fails: another one takes over.

    What is left would look alive, and never tell again what that thread was there for.
    """
    sys.excepthook(failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback)
    os._exit(1)


def _batch_system(name: str) -> BatchSystem:
    """Returns the batch system of a name, ``module:Class``.

    Raises:
        Denied: It cannot be used here.
    """
    module, _, kind = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError) as error:
        raise Denied(f"{name} cannot be imported: {error}") from error
    return made()  # type: ignore[no-any-return]  # by what `Hello` says


def _private(descriptor: int, flags: int) -> int:
    """Moves a standard stream out of reach of what the library may print."""
    moved = os.dup(descriptor)
    nothing = os.open(os.devnull, flags)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return moved
