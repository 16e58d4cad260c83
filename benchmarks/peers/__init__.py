"""One small adapter for each library, all with the interface of `Peer`."""

from __future__ import annotations

import abc
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

#: Name → where its adapter is, and the module without which it is left out.
_HOMES = {
    "gridengine": ("gridengine_jobs:GridEngine", "gridengine"),
    "pool": ("multiprocessing_pool:Pool", "multiprocessing"),
    "pool-spawn": ("multiprocessing_pool:SpawnPool", "multiprocessing"),
    "cf": ("concurrent_futures:Executor", "concurrent.futures"),
    "loky": ("loky_executor:Loky", "loky"),
    "joblib": ("joblib_parallel:Joblib", "joblib"),
    "mpire": ("mpire_pool:Mpire", "mpire"),
    "executorlib": ("executorlib_executor:Executorlib", "executorlib"),
    "dask": ("dask_distributed:Dask", "distributed"),
    "ray": ("ray_tasks:Ray", "ray"),
    "gridengine-pool": ("gridengine_handles:GridEnginePool", "gridengine"),
    "gridengine-executor": ("gridengine_handles:GridEngineExecutor", "gridengine"),
    "gridengine-joblib": ("gridengine_joblib:GridEngineJoblib", "gridengine"),
}

PEERS = tuple(_HOMES)

#: Those that take part only if they are asked for.
ON_DEMAND = ("pool-spawn", "gridengine-pool", "gridengine-executor", "gridengine-joblib")


class Peer(abc.ABC):
    """A library with its workers started.

    Attributes:
        abilities: Which of ``map``, ``imap``, ``submit``, ``cold`` and ``joblib`` it has; the
            last means that what uses joblib runs on it while it is open.
        calls_per_second: About how many trivial calls it does: a slow one is given fewer.
        cold: A program in three parts: its imports; lines which set ``values`` to a map of
            ``f`` over ``range(5)``; lines that end it.
    """

    abilities: ClassVar[frozenset[str]] = frozenset({"map", "submit", "cold"})
    calls_per_second: ClassVar[float] = 1e9
    cold: ClassVar[tuple[str, str, str]] = ("", "", "")

    @abc.abstractmethod
    def __init__(self, workers: int) -> None: ...

    @abc.abstractmethod
    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Returns the values in order, the library's default way."""

    def imap(
        self, function: Callable[[Any], Any], items: Iterable[Any], chunksize: int
    ) -> Iterable[Any]:
        """Yields the values in order, as they come."""
        raise NotImplementedError

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Has one call run; returns what `result` takes."""
        raise NotImplementedError

    def result(self, handle: Any) -> Any:
        """Returns the value of a call, waits for it."""
        raise NotImplementedError

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the workers."""


def peer_class(name: str) -> type[Peer]:
    """Returns the adapter of that name.

    Raises:
        ImportError: Its library is not installed.
    """
    module, _, cls = _HOMES[name][0].partition(":")
    found: type[Peer] = getattr(importlib.import_module(f".{module}", __name__), cls)
    return found


def is_installed(name: str) -> bool:
    """Returns whether the library of that name can be imported."""
    return importlib.util.find_spec(_HOMES[name][1]) is not None


def version(name: str) -> str:
    """Returns the version of a library that can be imported."""
    return version_of(_HOMES[name][1])


def version_of(module: str) -> str:
    """Returns the version of a module that can be imported."""
    try:
        return importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        # Not installed but found on the path, or a part of Python.
        return getattr(importlib.import_module(module), "__version__", "of Python itself")
