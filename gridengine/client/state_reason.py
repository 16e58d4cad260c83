"""Why a job is in its state, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Death
from ..logs import printable
from ..serialization.exceptions import summary_of

if TYPE_CHECKING:
    from ..dispatcher.dispatcher import Dispatcher
    from ..ledger.task import Task


def state_reason(task: Task, dispatcher: Dispatcher | None) -> str:
    """Returns why a task of one call waits, is stopped, or has no value; nothing if it has one."""
    if task.over:
        return failure_line(task)
    if dispatcher is None or dispatcher.forsaken:
        return ""
    return printable(dispatcher.state_reasons.of(task))


def failure_line(task: Task) -> str:
    """Returns the first line of what a task that is over has failed with, nothing if it has not.

    No code of the exception is run.
    """
    failures = [each for outcome in task.outcomes for each in outcome.failures.values()]
    lines = _text_of(failures[0] if failures else task.error).strip().splitlines()
    return printable(lines[0]) if lines else ""


def _text_of(failure: Any) -> str:
    if failure is None:
        return ""
    if isinstance(failure, BaseException):
        return f"{type(failure).__name__}: {failure}"
    if isinstance(failure, Death):
        return f"JobDied: {failure}"
    return summary_of(failure).removeprefix("builtins.")
