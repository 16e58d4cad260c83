"""What the contract's jobs do: functions of a module that each worker can import."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ..client.job import Job
from ..nesting import granted_cores

_kept: Any = None


def square(x: int) -> int:
    return x * x


def add(a: int, b: int = 0, *, c: int = 0) -> int:
    return a + b + c


def give(value: Any) -> Any:
    return value


def fail_at(x: int, bad: int) -> int:
    if x == bad:
        raise ZeroDivisionError(f"at {x}")
    return x


def return_an_exception(x: int) -> Exception:
    return ValueError(x)


def leave(status: Any) -> None:
    sys.exit(status)


def kill_self(signum: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), signum)
    # Delivered at the latest when this call returns; nothing else may be the job's end.
    signal.pause()


def kill_self_at(x: int, bad: int) -> int:
    if x == bad:
        kill_self()
    return x


def kill_self_once(path: str, value: int) -> int:
    """Dies the first time; the file remembers."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return value
    kill_self()
    return -1


def fail_once(path: str, value: int) -> int:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return value
    raise OSError("the first time")


def touch_and_wait(path: str) -> None:
    """Says that it runs, and then runs until it is ended."""
    os.close(os.open(path, os.O_CREAT))
    threading.Event().wait()


def granted() -> int:
    return granted_cores()


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def an_open_file(_: Any = None) -> Any:
    return open(os.devnull)


def a_generator(_: Any = None) -> Any:
    return (x for x in range(3))


class TwoArguments(Exception):
    """An exception that plain pickle cannot rebuild."""

    def __init__(self, first: str, second: int) -> None:
        super().__init__(f"{first}, {second}")
        self.second = second


def fail_with_two_arguments(_: Any = None) -> None:
    raise TwoArguments("text", 2)


class Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("it has a lock")
        self.lock = threading.Lock()


def fail_unpicklably(_: Any = None) -> None:
    raise Unpicklable


class ExplodesHere:
    """Travels well, and cannot be rebuilt."""

    def __reduce__(self) -> Any:
        return _explode, ()


def _explode() -> None:
    raise RuntimeError("no, not here")


def explode_here(_: Any = None) -> ExplodesHere:
    return ExplodesHere()


def fill_and_keep(size: int, number: int) -> Any:
    """Returns the same array as the last time, with other numbers in it."""
    global _kept
    import numpy as np

    if _kept is None or len(_kept) != size:
        _kept = np.zeros(size)
    _kept[:] = number
    return _kept


def first_and_last(array: Any) -> tuple[float, float]:
    return float(array[0]), float(array[-1])


class Adder:
    """Is called, has a method that is bound, one of the class, and one of nobody."""

    def __init__(self, number: int) -> None:
        self.number = number

    def add(self, x: int) -> int:
        return x + self.number

    @classmethod
    def make(cls, x: int) -> int:
        return cls(x).number

    @staticmethod
    def plain(x: int) -> int:
        return x

    def __call__(self, x: int) -> int:
        return x + self.number


def adding(number: int) -> Callable[[int], int]:
    """Returns a function that no module has."""

    def inner(x: int) -> int:
        return x + number

    return inner


class Counting(Job):
    """A job with attributes that its `run` sets and changes; below 0 it raises."""

    def __init__(self, upto: int, **options: Any) -> None:
        super().__init__(**options)
        self.upto = upto
        self.seen: list[int] = []

    def run(self) -> str:
        self.total = sum(range(self.upto))
        self.seen.append(self.upto)
        if self.upto < 0:
            raise ValueError("negative")
        return "done"


def beat(path: str) -> None:
    """Writes into a file for as long as it runs."""
    for number in itertools.count():
        with open(path, "w") as file:
            file.write(str(number))
        time.sleep(0.1)


def kill_the_supervisor_once(path: str) -> str:
    """Kills its parent the first time; the file remembers."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "done"
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
    return "nobody was killed"
