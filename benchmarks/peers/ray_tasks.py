"""ray's tasks and its object store."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

import ray

from . import Peer


def _apply(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


class Ray(Peer):
    """`ray.remote`, as its manual says to use it."""

    calls_per_second = 3_000
    cold = (
        "import ray",
        (
            "ray.init(num_cpus={workers}, include_dashboard=False, log_to_driver=False)\n"
            "remote = ray.remote(f)\n"
            "values = ray.get([remote.remote(x) for x in range(5)])"
        ),
        "ray.shutdown()",
    )

    def __init__(self, workers: int) -> None:
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        self._functions: dict[Any, Any] = {}

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        if isinstance(function, functools.partial):
            # A large argument of many tasks belongs into the object store, once.
            remote = self._remote(_apply)
            shared = [function.func, *map(ray.put, function.args)]
            tasks = [remote.remote(*shared, item) for item in items]
        else:
            remote = self._remote(function)
            tasks = [remote.remote(item) for item in items]
        values: list[Any] = ray.get(tasks)
        return values

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._remote(function).remote(*args)

    def result(self, handle: Any) -> Any:
        return ray.get(handle)

    def close(self) -> None:
        ray.shutdown()

    def _remote(self, function: Callable[..., Any]) -> Any:
        if function not in self._functions:
            self._functions[function] = ray.remote(function)
        return self._functions[function]
