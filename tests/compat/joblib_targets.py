"""What the tests of joblib's backend have run; workers import it."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np

called: list[Any] = []


def double(x: int) -> int:
    return 2 * x


def fail_at(x: int, bad: int) -> int:
    if x == bad:
        raise ValueError(f"no {x}")
    return x


def die_at(x: int, bad: int) -> int:
    if x == bad:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def block(marker: str) -> None:
    Path(marker).touch()
    while True:
        time.sleep(60)


def interval(_: int) -> tuple[float, float]:
    begin = time.monotonic()
    time.sleep(0.02)
    return begin, time.monotonic()


def where(array: Any, _: int) -> tuple[int, int, float]:
    return os.getpid(), array.__array_interface__["data"][0], float(array[0])


def add_one(array: Any) -> float:
    array += 1
    return float(array[0])


def write(array: Any, index: int) -> None:
    array[index] = index + 1


def total(array: Any) -> float:
    return float(array.sum())


def in_parallel(n_jobs: int) -> tuple[str, list[tuple[int, str]], int]:
    """Returns what a `Parallel` in a job runs on."""
    parallel = joblib.Parallel(n_jobs=n_jobs)
    places = parallel(joblib.delayed(place)() for _ in range(4))
    return type(parallel._backend).__name__, places, os.getpid()


def in_gridengine(x: int) -> tuple[list[int], set[int], int]:
    with joblib.parallel_config("gridengine"):
        parallel = joblib.Parallel(n_jobs=-1)
        values = parallel(joblib.delayed(os.getpid)() for _ in range(4))
        return [x], set(values), os.getpid()


def place() -> tuple[int, str]:
    return os.getpid(), threading.current_thread().name


def threads() -> tuple[str | None, set[int]]:
    from threadpoolctl import threadpool_info

    np.ones((8, 8)) @ np.ones((8, 8))
    return os.environ.get("OMP_NUM_THREADS"), {each["num_threads"] for each in threadpool_info()}


def grow(items: list[int]) -> int:
    items.append(1)
    return len(items)


def never_ending() -> Any:
    return (x for x in itertools.count())


def note(*what: Any) -> None:
    called.append(what)


def noted(_: int) -> tuple[int, list[Any]]:
    return os.getpid(), called


def cached(folder: str, x: int) -> int:
    return joblib.Memory(folder, verbose=0).cache(double)(x)
