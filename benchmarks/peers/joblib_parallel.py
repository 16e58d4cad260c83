"""joblib with its default backend, loky."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import joblib

from . import Peer


class Joblib(Peer):
    """`joblib.Parallel`, which has maps only."""

    abilities = frozenset({"map", "cold", "joblib"})
    calls_per_second = 500_000
    cold = (
        "import joblib",
        "values = joblib.Parallel({workers})(joblib.delayed(f)(x) for x in range(5))",
        "joblib.externals.loky.get_reusable_executor().shutdown()",
    )

    def __init__(self, workers: int) -> None:
        self._parallel = joblib.Parallel(workers)
        self._parallel.__enter__()

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return list(self._parallel(joblib.delayed(function)(item) for item in items))

    def close(self) -> None:
        self._parallel.__exit__(None, None, None)
