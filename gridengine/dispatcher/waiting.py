"""Waiting for the end of a task, in any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..ledger.task import Task

_guard = threading.Lock()


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
    """Waits until a task is over, for ``timeout`` seconds at most; True if it is."""
    if task.over:
        return True
    gate = threading.Lock()
    gate.acquire()
    when_over(task, gate.release)
    try:
        limit = -1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)
        return gate.acquire(timeout=limit)
    finally:
        _forget(task, gate.release)


def _forget(task: Task, callback: Callable[[], object]) -> None:
    # Who waits in short turns, or is interrupted, must not leave a gate behind each time.
    with _guard:
        if task.waiters is not None and callback in task.waiters:
            try:
                task.waiters.remove(callback)
            except ValueError:
                # Called meanwhile.
                return
