"""What a worker asks for, as most batch systems that are commands have it: a time, and memory."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from .quantities import parse_memory, parse_time

_MEMORY = ("mem", "mem_per_slot")
_LEAST_MEMORY = 1024**2  # less is a forgotten unit: an interpreter alone takes 10 MB


def time_of(resources: Mapping[str, object], name: str = "walltime") -> float:
    """Returns the seconds that a queue job may run, 0 if that is not said.

    Args:
        resources: What is asked for.
        name: The resource: seconds, a text such as ``01:00:00``, or a timedelta.

    Raises:
        ValueError: It is no time above 0.
    """
    value = resources.get(name)
    if value is None:
        return 0.0
    if isinstance(value, datetime.timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        seconds = parse_time(str(value).strip())
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{name} is {value!r}; it takes seconds, or a text such as '01:00:00'")
    return seconds


def memory_of(resources: Mapping[str, object], slots: int) -> int:
    """Returns the bytes that a worker may use, 0 if that is not said.

    Args:
        resources: What is asked for: ``mem`` for the worker, or ``mem_per_slot``. Bytes, or texts
            such as ``4gb``, in powers of 1024.
        slots: How many slots it has.

    Raises:
        ValueError: One of them is no amount of memory, or both are said.
    """
    if all(name in resources for name in _MEMORY):
        raise ValueError("mem and mem_per_slot (and memory=) say the same; give one of them")
    return _bytes(resources, "mem") or slots * _bytes(resources, "mem_per_slot")


def without_replaced(
    resources: Mapping[str, object], others: Mapping[str, object]
) -> dict[str, object]:
    """Returns resources without an amount of memory where others say it by another name.

    Args:
        resources: What is asked for by default.
        others: What is asked for instead: ``mem`` of these replaces ``mem_per_slot``, and the
            other way round.
    """
    replaced = any(name in others for name in _MEMORY)
    return {name: value for name, value in resources.items() if not replaced or name not in _MEMORY}


def refuse_misspelled(cls: type, resources: Mapping[str, object]) -> None:
    """Looks whether a resource is an argument of a scheduler that is not spelled right.

    Args:
        cls: The scheduler's class.
        resources: What would be resources, by name.

    Raises:
        TypeError: One of them looks so.
    """
    if not resources:
        return
    import difflib
    import inspect

    arguments = {"walltime", "mem_per_slot"}
    for each in cls.__mro__:
        if "__init__" in vars(each):
            parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
            arguments |= {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    for name in resources.keys() - arguments:
        # Resources of a site may be called anything: only what differs by a letter or two.
        for near in difflib.get_close_matches(name, arguments, 1, cutoff=0.85):
            raise TypeError(f"{cls.__name__} has no argument {name!r}; did you mean {near!r}?")


def _bytes(resources: Mapping[str, object], name: str) -> int:
    value = resources.get(name)
    if value is None:
        return 0
    number = isinstance(value, int) and not isinstance(value, bool)
    amount = value if number else parse_memory(str(value).strip().upper())
    assert isinstance(amount, int)
    if amount < _LEAST_MEMORY:
        raise ValueError(f"{name} is {value!r}; it takes a text such as '4gb', or bytes")
    return amount


def clock(seconds: float) -> str:
    """Returns a time as ``HH:MM:SS``, rounded up."""
    whole = -int(-seconds // 1)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
