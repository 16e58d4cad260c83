"""dask.distributed with a process for each worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import distributed

from . import Peer


class Dask(Peer):
    """`distributed.Client` with a local cluster."""

    calls_per_second = 1_000
    cold = (
        "from distributed import Client",
        (
            "client = Client(n_workers={workers}, threads_per_worker=1, dashboard_address=None)\n"
            "values = client.gather(client.map(f, range(5)))"
        ),
        "client.shutdown()",
    )

    def __init__(self, workers: int) -> None:
        self._client = distributed.Client(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        )

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        # Not pure: otherwise it would remember the values of equal calls.
        futures = self._client.map(function, list(items), pure=False)
        values: list[Any] = self._client.gather(futures)
        return values

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._client.submit(function, *args, pure=False)

    def result(self, handle: Any) -> Any:
        return handle.result()

    def close(self) -> None:
        self._client.shutdown()
