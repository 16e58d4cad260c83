"""Arguments of schedulers with a queue that no batch system knows, looked at."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Protocol

from ..settings import Settings
from .arguments import whole_number
from .quantities import parse_memory, parse_time

LIFETIME = "10m"
"""How long a worker keeps its place among others who wait, by default: long against the 15 seconds
in which a Grid Engine fills a place by its own defaults, and short against a day."""

_NAME = re.compile(r"[A-Za-z_][\w.]*\Z", re.ASCII)
_LEAST_LIFETIME = 1.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class _WithQueue(Protocol):
    """A scheduler that has them."""

    settings: Mapping[str, object] | None
    max_workers: int | None
    max_queue_jobs: int
    linger: float | None
    queue_job_name: str


def take_of_queue(
    scheduler: _WithQueue,
    *,
    max_workers: int | None,
    queue_job_name: str | None,
) -> None:
    """Gives a scheduler these arguments, looked at, and what its settings say beside them.

    Raises:
        TypeError, ValueError: One of them is impossible.
        GridEngineError: A setting of the environment is none.
    """
    read = Settings.read(arguments=scheduler.settings)
    scheduler.max_workers = (
        None if max_workers is None else whole_number("max_workers", max_workers, 1)
    )
    scheduler.max_queue_jobs = scheduler.max_workers or read.queue_jobs
    scheduler.linger = read.linger
    scheduler.queue_job_name = _checked_name(queue_job_name)


def checked_lifetime(lifetime: object) -> float | None:
    """Returns the seconds of ``"10m"``, ``"00:10:00"``, 600 or a timedelta; None for no end.

    Raises:
        TypeError: It is none of these.
        ValueError: It is less than a second, or a text that is no time.
    """
    if lifetime is None:
        return None
    if isinstance(lifetime, str):
        seconds = _seconds(lifetime.strip().lower())
        if seconds is None:
            raise ValueError(f"lifetime is {lifetime!r}; it takes '10m', '1.5h' or '00:10:00', say")
    elif isinstance(lifetime, datetime.timedelta):
        seconds = lifetime.total_seconds()
    elif isinstance(lifetime, (int, float)) and not isinstance(lifetime, bool):
        seconds = float(lifetime)
    else:
        raise TypeError(
            f"lifetime is {lifetime!r}; it takes a text such as '10m', seconds, a timedelta or None"
        )
    if not seconds >= _LEAST_LIFETIME:
        raise ValueError(f"lifetime is {lifetime!r}; it takes at least a second")
    return None if seconds == math.inf else seconds


def _seconds(text: str) -> float | None:
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text):
        return float(match[1]) * _UNITS[match[2]]
    return parse_time(text) if re.fullmatch(r"\d[\d:.]*", text) else None


def _checked_name(name: str | None) -> str:
    """Returns what queue jobs shall be called, nothing for what their jobs are called.

    Raises:
        TypeError: It is no text.
        ValueError: It is an empty one.
    """
    if name is None:
        return ""
    if not isinstance(name, str):
        raise TypeError(f"queue_job_name is {name!r}; it takes a text")
    if not name.strip():
        raise ValueError(f"queue_job_name is {name!r}; it takes a text that is not empty")
    return name


def checked_memory(name: object, most: object) -> tuple[str, int]:
    """Returns the resource that ``memory=`` of a job stands for, and its most, 0 for no such.

    Raises:
        TypeError: One of them is no text, or no amount of memory.
        ValueError: No resource can be called so, or there can be no such amount.
    """
    if not isinstance(name, str):
        raise TypeError(f"memory_resource is {name!r}; it takes a name, such as 'h_vmem'")
    if not _NAME.match(name):
        raise ValueError(f"memory_resource is {name!r}, which cannot be the name of a resource")
    if most is None:
        return name, 0
    if isinstance(most, bool) or not isinstance(most, (str, int)):
        raise TypeError(f"memory_max is {most!r}; it takes a text such as '64G', or bytes")
    nbytes = parse_memory(str(most))
    if nbytes <= 0:
        raise ValueError(f"memory_max is {most!r}; it takes an amount of memory such as '64G'")
    return name, nbytes
