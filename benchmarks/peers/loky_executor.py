"""loky's reusable executor."""

from __future__ import annotations

import loky

from .concurrent_futures import FuturesPeer


class Loky(FuturesPeer):
    """`loky.get_reusable_executor`."""

    calls_per_second = 10_000
    cold = (
        "import loky",
        (
            "executor = loky.get_reusable_executor(max_workers={workers})\n"
            "values = list(executor.map(f, range(5)))"
        ),
        "executor.shutdown()",
    )

    def __init__(self, workers: int) -> None:
        self._executor = loky.get_reusable_executor(max_workers=workers)
