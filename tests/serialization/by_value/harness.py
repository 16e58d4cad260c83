"""Two fresh interpreters, for the tests of by-value packing.

A program (another file of this folder, run as ``__main__``) defines things and sends them, with
`call`, to a worker (this file, run as ``__main__``), which sends back what it makes of them.
Functions of the program whose name begins with ``case_`` are its cases; `report` runs them all.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from gridengine.serialization import by_value, exceptions, serializer
from gridengine.serialization.packed import Packed
from gridengine.transport.shared_memory import gather


def read(pipe: BinaryIO) -> Any:
    size = pipe.read(8)
    if not size:
        raise EOFError
    return pickle.loads(pipe.read(int.from_bytes(size, "little")))


def write(pipe: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message)
    pipe.write(len(data).to_bytes(8, "little") + data)
    pipe.flush()


def on_the_connection(packed: Packed) -> tuple[bytes, list[bytes]]:
    payload, frames = packed
    return payload, [bytes(frame) for frame in gather(frames)]


class Worker:
    """A fresh interpreter that is told what to call."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls a function in the worker: returns what it returns, raises what it raises."""
        packed = serializer.pack((function, args, kwargs), "the call")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        write(self._process.stdin, on_the_connection(packed))
        returned, answer = read(self._process.stdout)
        if not returned:
            raise exceptions.unpack_error(answer)
        return serializer.unpack(*answer)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


_workers: list[Worker] = []


def worker(number: int = 0) -> Worker:
    while len(_workers) <= number:
        _workers.append(Worker())
    return _workers[number]


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return worker().call(function, *args, **kwargs)


def echo(value: Any) -> Any:
    """Sends a value to a worker and back."""
    return call(_identity, value)


def _identity(value: Any) -> Any:
    return value


def raised(function: Callable[..., Any], *args: Any, **kwargs: Any) -> BaseException:
    """Returns what a call in the worker raises."""
    try:
        value = call(function, *args, **kwargs)
    except BaseException as error:
        return error
    raise AssertionError(f"returned {value!r}")


def report(names: dict[str, Any]) -> None:
    """Runs all cases of a program, and prints what became of each."""
    outcomes = {}
    for name, case in names.items():
        if name.startswith("case_"):
            try:
                case()
                outcomes[name] = ""
            except BaseException:
                outcomes[name] = traceback.format_exc()
    for each in _workers:
        each.close()
    print(json.dumps(outcomes))


def _serve() -> None:
    # What a job prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            payload, frames = read(sys.stdin.buffer)
        except EOFError:
            return
        try:
            function, args, kwargs = serializer.unpack(payload, frames)
            packed = serializer.pack(function(*args, **kwargs), "the result", upward=True)
            write(answers, (True, on_the_connection(packed)))
        except BaseException as error:
            write(answers, (False, exceptions.pack_error(error)))


if __name__ == "__main__":
    serve = _serve
    by_value.become_worker()
    serve()
