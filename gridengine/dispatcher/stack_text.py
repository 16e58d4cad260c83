"""Where a running job is now, as a text for people."""

from __future__ import annotations

import math

from ..ledger.task import Task
from ..logs import printable
from .dispatcher import Dispatcher


def stack_of(task: Task, dispatcher: Dispatcher | None, timeout: float) -> str:
    """Returns where a job is now; see `gridengine.client.job.Job.stack`.

    Raises:
        RuntimeError: It does not run.
        TimeoutError: Its process, or its node, does not answer.
        TypeError: ``timeout`` is no number.
        ValueError: ``timeout`` is not above 0, or infinite.
    """
    _check(timeout)
    try:
        answers = [] if task.over or dispatcher is None else dispatcher.stacks.of(task, timeout)
    except TimeoutError as error:
        place = task.place
        where = f" from {place.host} (queue job {place.queue_job})" if place else ""
        raise TimeoutError(f"cannot tell where job {task.name!r} is: {error}{where}") from None
    for place, text, obstacle in answers:
        where = f"on {place.host} (process {place.pid}, queue job {place.queue_job})"
        if text:
            return printable(f"Job {task.name!r} {where}:\n\n{text}\n")
        if obstacle:
            text = f"cannot tell where job {task.name!r} is: {obstacle}, {where}"
            raise TimeoutError(printable(text))
    if task.over:
        what = "it is over"
    elif not answers:
        what = "it waits for a worker"
    else:
        what = f"a process {where} was given it, and has not begun it, or has ended"
    raise RuntimeError(f"job {task.name!r} is not running: {what}")


def _check(timeout: float) -> None:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds, not {timeout!r}")
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be above 0, and finite: {timeout!r}")
