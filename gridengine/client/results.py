"""What a call ended with, in the thread that asks: values, exceptions, and where they arose."""

from __future__ import annotations

import operator
import signal
from typing import TYPE_CHECKING, Any

from ..errors import Death, JobDied, JobExited, JobTimeout, UnpackingError
from ..ledger.task import Outcome, Place, Task
from ..serialization.by_value.explain import short_repr
from ..serialization.exceptions import add_note, unpack_error
from ..serialization.serializer import unpack
from ..states import JobState, Mode
from .replay import attach

# What a job returns. A class or an annotation that does not say it stands for anything.
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")


def values_of(task: Task, reraise: bool) -> tuple[list[Any], BaseException | None]:
    """Returns the values of a task of a map that is over, up to the error that comes after them.

    Without ``reraise`` exceptions stand in the places of values, and there is no such error
    unless the task has none of both.
    """
    values: list[Any] = []
    if task.error is not None:
        _settle(task)
        return values, task.error
    for outcome in sorted(task.outcomes, key=operator.attrgetter("lo")):
        got, error = values_in(task, outcome, reraise)
        # Behind a call that is not answered for, nothing is in its place.
        if len(values) == outcome.lo:
            values += got
        if error is not None:
            return values, error
    return values, None


def _settle(task: Task) -> None:
    # What it has logged is handled, and its warnings are shown, before its end is seen.
    if task.told is not None:
        task.told.settle()


def values_in(
    task: Task, outcome: Outcome, reraise: bool
) -> tuple[list[Any], BaseException | None]:
    """Returns the values of some calls of a map, up to the error that comes after them.

    Without ``reraise`` exceptions stand in the places of values, and there is no such error.
    """
    _settle(task)
    try:
        got = unpack(outcome.payload, outcome.frames) if outcome.payload else []
    except BaseException as error:
        answer = unreadable(error, task, outcome)
        if reraise:
            return [], answer
        got = [answer] * (outcome.hi - outcome.lo)
    if outcome.failures:
        got = [*got, *[None] * (outcome.hi - outcome.lo - len(got))]
        for index, failure in sorted(outcome.failures.items()):
            failed = error_from(task, outcome, index, failure)
            if reraise:
                return got[: index - outcome.lo], failed
            got[index - outcome.lo] = failed
    return got, None


def values_and_errors(task: Task, outcome: Outcome) -> tuple[list[Any], dict[int, BaseException]]:
    """Returns the values of some calls of a task, and the errors of those without one.

    Both are counted from 0, the first of these calls; there is None in the place of an error's
    value.
    """
    _settle(task)
    if task.mode is Mode.CALL:
        try:
            error = None if task.state is JobState.FINISHED else error_of(task, 0)
            return ([value_in(task, outcome)], {}) if error is None else ([None], {0: error})
        except UnpackingError as unreadable_value:
            return [None], {0: unreadable_value}
    whole = outcome._replace(failures={}) if outcome.failures else outcome
    values, unread = values_in(task, whole, reraise=True)
    if unread is None and not outcome.failures:
        return values, {}
    count = outcome.hi - outcome.lo
    values = [*values, *[None] * (count - len(values))]
    errors = {} if unread is None else dict.fromkeys(range(count), unread)
    for index, failure in outcome.failures.items():
        errors[index - outcome.lo] = error_from(task, outcome, index, failure)
    return values, errors


def let_go(task: Task, outcome: Outcome) -> None:
    """Lets go of the packed values of an answer that was read; what else it says stays."""
    # In place: the dispatcher may be about to add another one, or to tell of the end.
    for index, each in enumerate(task.outcomes):
        if each is outcome:
            task.outcomes[index] = outcome._replace(payload=b"", frames=())
            return


def unanswered(task: Task) -> list[Outcome]:
    """Returns what stands for the calls without an answer of a task that has ended by an error."""
    assert task.error is not None
    outcomes, at = [], 0
    place = task.place or Place("", 0, "")
    for lo, hi in [*sorted((o.lo, o.hi) for o in task.outcomes), (task.size, task.size)]:
        if at < lo:
            failures = dict.fromkeys(range(at, lo), task.error)
            outcomes.append(Outcome(at, lo, b"", (), failures, 0.0, 0.0, 0, place))
        at = hi
    return outcomes


def value_in(task: Task, outcome: Outcome) -> Any:
    """Returns the value of a job, unpacked.

    Raises:
        UnpackingError: It cannot be rebuilt here.
    """
    _settle(task)
    try:
        return unpack(outcome.payload, outcome.frames)
    except BaseException as error:
        raise unreadable(error, task, outcome) from error


def exitcode_of(task: Task, error: BaseException | None) -> int:
    """Returns what a process would have exited with that had been a job without a value."""
    if task.state is JobState.CANCELLED:
        return -(task.exit_signal or signal.SIGTERM)
    failure = task.outcomes[-1].failures.get(0) if task.outcomes else None
    if isinstance(failure, Death):
        return 1 if failure.exitcode is None else failure.exitcode
    if isinstance(failure, JobTimeout):
        return -signal.SIGKILL
    return error.exitcode if isinstance(error, JobExited) else 1


def error_of(task: Task, index: int) -> BaseException | None:
    """Returns what call ``index`` of a task that is over raises, None if it has a value."""
    _settle(task)
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
        error: BaseException = JobDied(failure._replace(input=input_of(task, index)))
    elif isinstance(failure, BaseException):
        error = failure
    else:
        error = unpack_error(failure)
        add_note(error, _note(task, outcome, index))
    attach(error, task, index)
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
    single = task.mode is Mode.CALL
    call = "" if single else f", call {task.first + index}"
    # A map's task counts the attempts at any of its calls.
    attempt = max(1, task.attempts if single else outcome.tries)
    given = input_of(task, index)
    place = outcome.place
    queue_job = f", queue job {place.queue_job}" if place.queue_job else ""
    return (
        f"job {task.name!r}{call}{f' with {given}' if given else ''}, "
        f"attempt {attempt} on {place.host} (process {place.pid}{queue_job})"
        f"{f'; it was tried with {outcome.asked}' if outcome.asked else ''}"
    )
