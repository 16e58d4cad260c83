"""`concurrent.futures.ProcessPoolExecutor`, and what has its interface."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable
from typing import Any

from . import Peer


class FuturesPeer(Peer):
    """Anything with `concurrent.futures.Executor`'s interface."""

    _executor: concurrent.futures.Executor

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return list(self._executor.map(function, items))

    def submit(self, function: Callable[..., Any], *args: Any) -> concurrent.futures.Future[Any]:
        return self._executor.submit(function, *args)

    def result(self, handle: concurrent.futures.Future[Any]) -> Any:
        return handle.result()

    def close(self) -> None:
        self._executor.shutdown()


class Executor(FuturesPeer):
    """The standard library's."""

    calls_per_second = 10_000
    cold = (
        "from concurrent.futures import ProcessPoolExecutor",
        "executor = ProcessPoolExecutor({workers})\nvalues = list(executor.map(f, range(5)))",
        "executor.shutdown()",
    )

    def __init__(self, workers: int) -> None:
        self._executor = concurrent.futures.ProcessPoolExecutor(workers)
