"""What a job is made of, looked at before it starts, and what it cannot be asked for."""

from __future__ import annotations

import itertools

from ..serialization.functions import name_of
from .callables import check_callable

_numbers = itertools.count(1)


def check_target(target: object) -> None:
    """Raises if a target is none.

    Raises:
        TypeError: It cannot be called, or its calls return coroutines.
    """
    if target is not None:
        check_callable("target", target)


def default_name(target: object) -> str:
    """Returns the name of a job that was given none."""
    number = next(_numbers)
    return f"Job-{number}" if target is None else f"Job-{number} ({name_of(target)})"


def do_nothing() -> None:
    """Stands for a target of None."""


def another_process(what: str, name: str) -> RuntimeError:
    """Returns what to raise for a job that was started before this process was forked."""
    return RuntimeError(
        f"cannot {what} job {name!r} here: this process is a fork of the one that has started it, "
        "which alone hears of its end; join it there, or start another one here"
    )
