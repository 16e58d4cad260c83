"""What the tests' jobs do: functions of a module that a worker can import."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any


def square(x: int) -> int:
    return x * x


def add(a: int, b: int = 0, *, c: int = 0) -> int:
    return a + b + c


def give(value: Any) -> Any:
    return value


def fail(error: BaseException) -> None:
    raise error


def fail_at(x: int, bad: int) -> int:
    if x == bad:
        raise ZeroDivisionError(f"at {x}")
    return x


def return_an_exception(x: int) -> Exception:
    return ValueError(x)


def pid(_: Any = None) -> int:
    return os.getpid()


def leave(status: Any) -> None:
    sys.exit(status)


def exit_at_once(status: int) -> None:
    os._exit(status)


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


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def a_lock(_: Any = None) -> Any:
    return threading.Lock()


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


def print_and_return(text: str) -> str:
    print(text)
    return text


_kept: Any = None


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
