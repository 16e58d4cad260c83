"""What arguments of schedulers and jobs must be."""

from __future__ import annotations

import operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


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
