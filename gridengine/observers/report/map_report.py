"""The report of one map, gathered while it runs and written at its end, however that comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

from ...ledger.events import DispatcherEvent
from ...ledger.task import Task
from ...logs import Log
from . import page
from .records import About
from .run_facts import RunFacts

log = Log(__name__)

#: Packed bytes of an argument up to which it is kept, should its call be among the slowest.
_SMALL = 100_000


class MapReport:
    """What is heard of a map.

    Args:
        path: Where the page is written.
        about: What the map is.
        observe: Has an observer hear what the dispatcher tells, and returns what ends that.
    """

    def __init__(
        self,
        path: str,
        about: About,
        observe: Callable[[Callable[[DispatcherEvent], object]], Callable[[], object]],
    ) -> None:
        self._path = path
        self._about = about
        self._observe = observe
        self._facts = RunFacts(time.time(), all_jobs=False)

    def expect(self, tasks: Iterable[Task]) -> None:
        """Has tasks counted; to be called before they are submitted."""
        for task in tasks:
            small = len(task.payload) <= _SMALL * task.size and not task.frames
            items = task.arguments if small else None
            self._facts.expect(task.id, task.name, task.first, task.size, items)

    def around(self, runs: Generator[list[Any], None, None]) -> Generator[list[Any], None, None]:
        """Yields what a map yields, and writes the page after the last, or when it is left."""
        self._facts.began = self._facts.now = time.time()
        stop = self._observe(self._hear)
        remark = ""
        try:
            yield from runs
        except GeneratorExit:
            remark = "the program wanted no more of its values"
            raise
        except BaseException as error:
            remark = f"ended by {type(error).__name__}"
            raise
        finally:
            self._end(stop, remark)

    def _hear(self, event: DispatcherEvent) -> None:
        self._facts.note(time.time(), event)

    def _end(self, stop: Callable[[], object], remark: str) -> None:
        about = self._about._replace(ended=time.time(), remark=remark)
        try:
            # All that was told by now is counted.
            stop()
            page.write(self._path, page.page(self._facts, about))
        except Exception as error:
            log.warning("no report is written: %s", error)
