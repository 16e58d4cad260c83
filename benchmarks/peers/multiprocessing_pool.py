"""`multiprocessing.Pool`, with the platform's start method and with spawn."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing.pool import AsyncResult
from typing import Any

from . import Peer


class Pool(Peer):
    """`multiprocessing.Pool` as it comes."""

    cold = (
        "import multiprocessing",
        "pool = multiprocessing.Pool({workers})\nvalues = pool.map(f, range(5))",
        "pool.terminate()",
    )
    abilities = frozenset({"map", "imap", "submit", "cold"})
    method: str | None = None
    #: One of multiprocessing, or what has its interface.
    _pool: Any

    def __init__(self, workers: int) -> None:
        self._pool = multiprocessing.get_context(self.method).Pool(workers)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        values: list[Any] = self._pool.map(function, items)
        return values

    def imap(
        self, function: Callable[[Any], Any], items: Iterable[Any], chunksize: int
    ) -> Iterable[Any]:
        values: Iterable[Any] = self._pool.imap(function, items, chunksize)
        return values

    def submit(self, function: Callable[..., Any], *args: Any) -> AsyncResult[Any]:
        result: AsyncResult[Any] = self._pool.apply_async(function, args)
        return result

    def result(self, handle: AsyncResult[Any]) -> Any:
        return handle.get()

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()


class SpawnPool(Pool):
    """The same with spawn; once warm it is no other, so it only starts."""

    abilities = frozenset({"cold"})
    method = "spawn"
    cold = (
        "import multiprocessing",
        (
            "pool = multiprocessing.get_context('spawn').Pool({workers})\n"
            "values = pool.map(f, range(5))"
        ),
        "pool.terminate()",
    )
