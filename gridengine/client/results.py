"""What a call ended with, in the thread that asks: exceptions, and where they arose."""

from __future__ import annotations

from ..errors import Death, JobDied, UnpackingError
from ..ledger.task import Outcome, Task
from ..serialization.by_value.explain import short_repr
from ..serialization.exceptions import add_note, unpack_error
from ..states import Mode


def error_of(task: Task, index: int) -> BaseException | None:
    """Returns what call ``index`` of a task that is over raises, None if it has a value."""
    outcome = next((o for o in reversed(task.outcomes) if o.lo <= index < o.hi), None)
    failure = outcome.failures.get(index) if outcome is not None else None
    if outcome is None or failure is None:
        return task.error if outcome is None else None
    return error_from(task, outcome, index, failure)


def error_from(
    task: Task, outcome: Outcome, index: int, failure: bytes | Death | BaseException
) -> BaseException:
    """Returns the exception that stands for a failure, with a note that says where it arose."""
    if isinstance(failure, Death):
        return JobDied(failure._replace(input=input_of(task, index)))
    if isinstance(failure, BaseException):
        return failure
    error = unpack_error(failure)
    add_note(error, _note(task, outcome, index))
    return error


def unreadable(error: BaseException, task: Task, outcome: Outcome) -> BaseException:
    """Returns the exception for an answer that has come, but cannot be rebuilt here."""
    answer = UnpackingError(
        f"the result of job {task.name!r} cannot be rebuilt here: {type(error).__name__}: {error}"
    )
    answer.__cause__ = error
    add_note(answer, _note(task, outcome, 0))
    return answer


def input_of(task: Task, index: int) -> str:
    """Returns a short text of a call's arguments."""
    # The program's own objects: what has just killed a worker while it was unpacked must not be
    # unpacked here.
    if task.arguments is None:
        return ""
    if task.mode is not Mode.CALL:
        return short_repr(task.arguments[index])
    args, kwargs = task.arguments
    shown = [short_repr(arg) for arg in args]
    return ", ".join([*shown, *(f"{name}={short_repr(value)}" for name, value in kwargs.items())])


def _note(task: Task, outcome: Outcome, index: int) -> str:
    call = "" if task.mode is Mode.CALL else f" call {task.first + index},"
    place = outcome.place
    return (
        f"job {task.name!r},{call} attempt {max(1, task.attempts)} on {place.host} "
        f"(process {place.pid}, queue job {place.queue_job})"
    )
