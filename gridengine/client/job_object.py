"""A job that is run as an object, in its worker: of a class with its own `run`, or mutable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

#: Where an exception carries what the job has changed until it was raised.
_STATE_OF_JOB = "_gridengine_state"

_OWN_FIELDS = frozenset(
    f"_{name}" for name in ("target", "args", "kwargs", "name", "daemon", "mutable", "options")
) | {"_closed"}


class Runnable(Protocol):
    """What is needed of a job."""

    _mutable: bool

    def run(self) -> Any:
        """Does its work."""


class Returned:
    """What such a job sends back.

    Attributes:
        value: What `run` returned.
        state: The attributes that it has set, None where nobody wants them.
    """

    def __init__(self, value: object, state: dict[str, Any] | None) -> None:
        self.value = value
        self.state = state


def run_job(job: Runnable) -> Returned:
    """Runs it.

    Raises:
        BaseException: What `run` raises; `state_in` finds in it what the job had changed.
    """
    before = dict(vars(job))
    try:
        value = job.run()
    except BaseException as error:
        vars(error)[_STATE_OF_JOB] = _changes(job, before)
        raise
    return Returned(value, _changes(job, before))


def state_in(error: BaseException) -> Mapping[str, Any] | None:
    """Takes what a job had changed out of the exception that it raised."""
    state = vars(error).pop(_STATE_OF_JOB, None)
    return state if isinstance(state, Mapping) else None


def _changes(job: Runnable, before: dict[str, Any]) -> dict[str, Any] | None:
    if not job._mutable:
        return None
    # What was there may have been changed in place: only the job's own fields are as they were.
    return {
        name: value
        for name, value in vars(job).items()
        if name not in _OWN_FIELDS or value is not before.get(name)
    }
