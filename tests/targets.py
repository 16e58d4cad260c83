"""What the tests' jobs do: functions of a module that a worker can import."""

from __future__ import annotations

import os
import threading
from typing import Any

from gridengine.testing.targets import (
    ExplodesHere,
    TwoArguments,
    Unpicklable,
    a_generator,
    add,
    an_open_file,
    explode_here,
    fail_at,
    fail_once,
    fail_unpicklably,
    fail_with_two_arguments,
    fill_and_keep,
    first_and_last,
    give,
    kill_self,
    kill_self_at,
    kill_self_once,
    leave,
    return_an_exception,
    sleep,
    square,
    touch_and_wait,
)

__all__ = [
    "ExplodesHere",
    "TwoArguments",
    "Unpicklable",
    "a_generator",
    "add",
    "an_open_file",
    "explode_here",
    "fail_at",
    "fail_once",
    "fail_unpicklably",
    "fail_with_two_arguments",
    "fill_and_keep",
    "first_and_last",
    "give",
    "kill_self",
    "kill_self_at",
    "kill_self_once",
    "leave",
    "return_an_exception",
    "sleep",
    "square",
    "touch_and_wait",
]


def fail(error: BaseException) -> None:
    raise error


def pid(_: Any = None) -> int:
    return os.getpid()


def exit_at_once(status: int) -> None:
    os._exit(status)


def a_lock(_: Any = None) -> Any:
    return threading.Lock()


def print_and_return(text: str) -> str:
    print(text)
    return text
