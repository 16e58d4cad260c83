"""gridengine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gridengine

from . import Peer


class GridEngine(Peer):
    """`gridengine.map` and `gridengine.Job` on this host's cores."""

    abilities = frozenset({"map", "imap", "submit", "cold"})
    cold = (
        "import gridengine",
        (
            "scheduler = gridengine.schedulers.ProcessScheduler({workers})\n"
            "values = gridengine.map(f, range(5), scheduler=scheduler)"
        ),
        "scheduler.close()",
    )

    def __init__(self, workers: int) -> None:
        self._scheduler = gridengine.schedulers.ProcessScheduler(workers)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return gridengine.map(function, items, scheduler=self._scheduler)

    def imap(
        self, function: Callable[[Any], Any], items: Iterable[Any], chunksize: int
    ) -> Iterable[Any]:
        return gridengine.imap(function, items, scheduler=self._scheduler, chunksize=chunksize)

    def submit(self, function: Callable[..., Any], *args: Any) -> gridengine.Job:
        job = gridengine.Job(target=function, args=args, scheduler=self._scheduler)
        job.start()
        return job

    def result(self, handle: gridengine.Job) -> Any:
        return handle.result

    def close(self) -> None:
        self._scheduler.close()
