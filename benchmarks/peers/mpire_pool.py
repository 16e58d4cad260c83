"""mpire's WorkerPool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import mpire

from . import Peer


class Mpire(Peer):
    """`mpire.WorkerPool` that keeps its workers."""

    calls_per_second = 200_000
    cold = (
        "import mpire",
        "pool = mpire.WorkerPool({workers})\nvalues = pool.map(f, range(5))",
        "pool.terminate()",
    )

    def __init__(self, workers: int) -> None:
        self._pool = mpire.WorkerPool(workers, keep_alive=True)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        # It would glue arrays together to one; and it needs to know how many items there are.
        values = self._pool.map(function, list(items), concatenate_numpy_output=False)
        return list(values)

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._pool.apply_async(function, args)

    def result(self, handle: Any) -> Any:
        return handle.get()

    def close(self) -> None:
        self._pool.terminate()
