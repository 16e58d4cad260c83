"""What a worker asks for, as most batch systems that are commands have it: a time, and memory."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from .quantities import parse_memory, parse_time

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
    if "mem" in resources and "mem_per_slot" in resources:
        raise ValueError("mem and mem_per_slot (and memory=) say the same; give one of them")
    return _bytes(resources, "mem") or slots * _bytes(resources, "mem_per_slot")


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
