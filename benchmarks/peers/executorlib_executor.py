"""executorlib on one node."""

from __future__ import annotations

import executorlib

from .concurrent_futures import FuturesPeer


class Executorlib(FuturesPeer):
    """`executorlib.SingleNodeExecutor` with workers that stay."""

    calls_per_second = 4_000
    cold = (
        "import executorlib",
        (
            "executor = executorlib.SingleNodeExecutor(\n"
            "    max_workers={workers}, block_allocation=True\n"
            ")\n"
            "values = [t.result() for t in [executor.submit(f, x) for x in range(5)]]"
        ),
        "executor.shutdown()",
    )

    def __init__(self, workers: int) -> None:
        self._executor = executorlib.SingleNodeExecutor(max_workers=workers, block_allocation=True)
