"""The functions that the workers run. Importable, so that every library can send them by name."""

from __future__ import annotations

import time
from typing import Any


def same(x: Any) -> Any:
    """Does nothing: what is left is the library's own time."""
    return x


def burn(seconds: float) -> float:
    """Keeps a core busy for so long, however fast the core is."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return seconds


def rest(seconds: float) -> float:
    """Takes so long without a core."""
    time.sleep(seconds)
    return seconds


def look(array: Any) -> float:
    """Returns a number that depends on every page of the array."""
    return float(array[::512].sum())


def plus_one(array: Any) -> Any:
    """Returns a new array of the same size."""
    return array + 1.0


def pick(array: Any, index: int) -> float:
    """Returns one element of a large array that all calls share."""
    return float(array[index])


def rest_and_tell(seconds: float) -> float:
    """Takes so long without a core; returns when the worker's process began, since the epoch."""
    import psutil

    time.sleep(seconds)
    return psutil.Process().create_time()
