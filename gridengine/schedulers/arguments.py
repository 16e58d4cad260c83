"""What arguments of schedulers and jobs must be."""

from __future__ import annotations

import math
import operator
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .base import Scheduler


def take_common(
    scheduler: Scheduler,
    *,
    fresh: bool = False,
    initializer: Callable[..., object] | None,
    initargs: Iterable[Any],
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str | None] | None,
    output: str | None = None,
    settings: Mapping[str, object] | None,
) -> None:
    """Gives a scheduler the arguments that nearly all have, looked at.

    Raises:
        TypeError, ValueError: One of them is impossible.
        GridEngineError: One of the settings is.
    """
    scheduler.fresh = fresh
    scheduler.initializer, scheduler.initargs = checked_initializer(initializer, initargs)
    scheduler.cwd, scheduler.env = checked_cwd(cwd), checked_env(env)
    scheduler.output = checked_output(output)
    scheduler.settings = checked_settings(settings)


def checked_settings(settings: Mapping[str, object] | None) -> dict[str, object] | None:
    """Returns what a program says about settings, None for nothing.

    Raises:
        TypeError: It is no mapping.
        GridEngineError: Something in it is no setting, or has a value that it does not take.
    """
    if settings is None:
        return None
    if not hasattr(settings, "keys"):
        raise TypeError(f"settings is {settings!r}; it takes a dict, such as {{'grace': 5}}")
    from ..settings import Settings

    checked = dict(settings)
    Settings.read({}, checked)
    return checked


_OUTPUTS = "'stream', 'collect' or 'discard'"


def whole_number(name: str, value: object, least: int) -> int:
    """Returns an argument that is a whole number, numpy's too.

    Args:
        name: That of the argument.
        value: What was passed in.
        least: What it must be at least.

    Raises:
        TypeError: It is none.
        ValueError: It is less.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # asked, not known
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it takes a whole number") from None
    if number < least:
        raise ValueError(f"{name} is {value!r}; it takes at least {least}")
    return number


def seconds(name: str, value: object) -> float:
    """Returns an argument that is a number of seconds, numpy's too; any, infinity too.

    Args:
        name: That of the argument.
        value: What was passed in.

    Raises:
        TypeError: It is no number.
        ValueError: It is not a number, as IEEE 754 has it.
    """
    # A text has none.
    if not hasattr(value, "__float__"):
        raise TypeError(f"{name} is {value!r}; it takes seconds")
    number = float(value)
    if math.isnan(number):
        raise ValueError(f"{name} is {value!r}; it takes seconds")
    return number


def checked_initializer(
    initializer: Callable[..., object] | None, initargs: Iterable[Any]
) -> tuple[Callable[..., object] | None, tuple[Any, ...]]:
    """Returns what workers call before their first job, and its arguments.

    Raises:
        TypeError: It cannot be called, or its arguments cannot be gone through.
    """
    if initializer is not None and not callable(initializer):
        raise TypeError(f"initializer is {initializer!r}, which cannot be called")
    return initializer, tuple(initargs)


def checked_output(output: str | None) -> str | None:
    """Returns what becomes of what jobs print, None if that is not said.

    Raises:
        TypeError: It is no text.
        ValueError: It is nothing that can be done.
    """
    if output is None:
        return None
    if not isinstance(output, str):
        raise TypeError(f"output is {output!r}; it takes a text: {_OUTPUTS}")
    if output not in ("stream", "collect", "discard"):
        raise ValueError(f"output is {output!r}; it takes {_OUTPUTS}")
    return output


def checked_cwd(cwd: str | os.PathLike[str] | None) -> str | None:
    """Returns the path of a directory, seen from the program's own; None for none.

    Raises:
        TypeError: It is no path.
        ValueError: It is none that could be.
    """
    return None if cwd is None else checked_directory("cwd", cwd)


def checked_directory(name: str, given: str | os.PathLike[str]) -> str:
    """Returns the path of a directory, seen from the program's own.

    Raises:
        TypeError: It is no path.
        ValueError: It is none that could be.
    """
    try:
        path = os.fsdecode(given)
    except TypeError:
        raise TypeError(f"{name} is {given!r}; it takes the path of a directory") from None
    if not path or "\0" in path:
        raise ValueError(f"{name} is {given!r}; it takes the path of a directory")
    return os.path.abspath(path)


def checked_env(env: Mapping[str, str | None] | None) -> dict[str, str | None] | None:
    """Returns variables to be set, by name; those that are None are to be taken away.

    Raises:
        TypeError: It is no mapping, or something in it is no text.
        ValueError: A name or a value is none that a variable can have.
    """
    if env is None:
        return None
    if not hasattr(env, "keys"):
        raise TypeError(f"env is {env!r}; it takes a dict of variables, such as {{'DEBUG': '1'}}")
    checked = dict(env)
    for name, value in checked.items():
        if not isinstance(name, str) or not isinstance(value, (str, type(None))):
            raise TypeError(f"env has {name!r}: {value!r}; it takes texts, or None as a value")
        if not name or "=" in name or "\0" in name + (value or ""):
            raise ValueError(f"env has {name!r}: {value!r}, which no environment can have")
    return checked
