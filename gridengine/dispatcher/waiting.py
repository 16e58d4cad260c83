"""Waiting for the end of a task, in any thread."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable

from ..ledger.task import Task, newest
from ..ledger.task_output import TaskOutput
from .printing import SHOWN_SECONDS, printer

#: Seconds that the rest of a job's output gets to come, and between two looks.
_ON_ITS_WAY, _LOOK = 5.0, 0.002

#: Seconds after which the program notices Ctrl-C at the latest. Python looks for signals before it
#: waits for a lock, and while it does: of one that comes just between the two, which takes long
#: if another thread has the interpreter meanwhile, it hears when the wait is over.
TURN = 0.5

_guard = threading.Lock()

#: The number of the newest task when Ctrl-C has ended a wait.
_interrupted_at = 0


def when_over(task: Task, callback: Callable[[], object]) -> None:
    """Has ``callback`` called once when a task is over, at once if it is.

    It runs in the dispatcher's thread and must neither block nor raise.
    """
    with _guard:
        if task.waiters is None:
            task.waiters = []
        task.waiters.append(callback)
    # The dispatcher sets the state before it looks for waiters: either it sees this one, or here
    # it is seen that the task is over.
    if task.over:
        task.wake()


def wait(task: Task, timeout: float | None = None) -> bool:
    """Waits until a task is over, for ``timeout`` seconds at most; True if it is.

    What it has printed is shown by then, what it has logged is handled, and its warnings are shown
    here.
    """
    # See `gridengine.client.map.map`.
    __tracebackhide__ = True
    if not task.over and not _wait(task, timeout):
        return False
    settle_output(task)
    if task.told is not None:
        task.told.settle()
    return True


def _wait(task: Task, timeout: float | None) -> bool:
    __tracebackhide__ = True
    gate = threading.Lock()
    gate.acquire()
    when_over(task, gate.release)
    try:
        return in_turns(lambda seconds: gate.acquire(timeout=seconds), timeout)
    except KeyboardInterrupt:
        global _interrupted_at
        _interrupted_at = newest()
        raise
    finally:
        _forget(task, gate.release)


def in_turns(wait: Callable[[float], bool], timeout: float | None) -> bool:
    """Waits so that Ctrl-C is always noticed; returns whether what it waited for is there.

    Args:
        wait: Waits for some seconds at most, and returns whether it is there.
        timeout: Seconds in all, None for as long as it takes.
    """
    __tracebackhide__ = True
    end = math.inf if timeout is None else time.monotonic() + timeout
    is_main = threading.current_thread() is threading.main_thread()
    turn = TURN if is_main else threading.TIMEOUT_MAX
    while not wait(min(turn, max(0.0, end - time.monotonic()))):
        if time.monotonic() >= end:
            return False
    return True


def await_output(task: Task) -> None:
    """Waits, some seconds at most, until all that a task that is over has printed has come.

    The rest of it may come on another connection than the result, from the same node at the same
    time.
    """
    output = task.output
    end = time.monotonic() + _ON_ITS_WAY
    while isinstance(output, TaskOutput) and output.awaited and time.monotonic() < end:
        time.sleep(_LOOK)


def settle_output(task: Task) -> None:
    """Lets what a task has printed be shown before what the program has to say of it."""
    if task.output is not None:
        await_output(task)
        printer.settle(SHOWN_SECONDS)


def was_interrupted(task: Task) -> bool:
    """Tells whether a task was there when Ctrl-C ended a wait, for this one or another."""
    return task.id <= _interrupted_at


def _forget(task: Task, callback: Callable[[], object]) -> None:
    # Who waits in short turns, or is interrupted, must not leave a gate behind each time.
    with _guard:
        if task.waiters is not None and callback in task.waiters:
            try:
                task.waiters.remove(callback)
            except ValueError:
                # Called meanwhile.
                return


def _start_anew() -> None:
    """In a fork of this program: who held the lock is not there."""
    global _guard
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_start_anew)
