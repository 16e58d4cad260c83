"""Shows how far a map is, from a thread of its own.

::

    dispatcher's thread                                      the bar's thread
      events ──▶ MapCounts ◀── looks, ten times a second at most ── Progress ──▶ Bar

The dispatcher only counts. A terminal that is slow, or stopped by Ctrl-S, holds up the bar's thread
alone.
"""

from __future__ import annotations

import atexit
import contextvars
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable
from typing import Any

from ..ledger.events import DispatcherEvent
from ..ledger.task import Task
from ..logs import Log
from .bars import Bar
from .map_counts import Estimate, MapCounts, line

log = Log(__name__)

#: Seconds for which the end of a map waits until the bar is drawn for the last time.
_LAST_WORD = 2.0

_shown: weakref.WeakSet[Progress] = weakref.WeakSet()


class Progress:
    """How far one map is, shown while it is drawn from.

    Args:
        make: Makes the bar.
        observe: Has an observer hear what the dispatcher tells, and returns what ends that.
        total: How many calls there are, below 0 if that is not known.
        remote: Whether workers are queue jobs.
    """

    def __init__(
        self,
        make: Callable[[], Bar],
        observe: Callable[[Callable[[DispatcherEvent], object]], Callable[[], object]],
        total: int,
        *,
        remote: bool,
    ) -> None:
        self._make = make
        self._observe = observe
        self._total = total
        self._remote = remote
        self._counts = MapCounts()
        self._over, self._drawn = threading.Event(), threading.Event()

    def expect(self, tasks: Iterable[Task]) -> None:
        """Has tasks counted; to be called before they are submitted."""
        self._counts.expect(tasks)

    def around(self, runs: Generator[list[Any], None, None]) -> Generator[list[Any], None, None]:
        """Yields what a map yields, and shows how far it is from the first to the last."""
        self._begin()
        try:
            yield from runs
        finally:
            self._end()

    def _begin(self) -> None:
        self._bar = self._make()
        self._estimate = Estimate(self._counts, self._total, time.monotonic())
        self._stop = self._observe(self._counts)
        # A notebook shows it below the cell that this thread runs.
        thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run,),
            name="gridengine-progress",
            daemon=True,
        )
        thread.start()
        _shown.add(self)

    def _end(self) -> None:
        _shown.discard(self)
        try:
            # All that was told by now is counted.
            self._stop()
        finally:
            self._over.set()
        self._drawn.wait(_LAST_WORD)

    # ------------------------------------------------------------------ the bar's thread

    def _run(self) -> None:
        try:
            while not self._over.wait(self._bar.interval):
                self._bar.show(*self._look())
        except Exception as error:
            log.warning("a bar cannot be drawn any more: %r", error)
        finally:
            try:
                self._bar.close(*self._look())
            except Exception as error:
                log.warning("a bar cannot be closed: %r", error)
            self._drawn.set()

    def _look(self) -> tuple[int, str]:
        over = self._over.is_set()
        self._estimate.look(time.monotonic())
        text = line(self._counts, self._estimate, remote=self._remote, over=over)
        return self._counts.done, text


@atexit.register
def _end_all() -> None:
    # A thread that writes when the interpreter ends could end it with an error.
    for progress in list(_shown):
        progress._end()
