"""In IPython: the jobs that a cell has started are cancelled when the cell is interrupted.

What waits for its own calls, as a map does, takes them back by itself. This is for jobs and
futures, which outlive whoever waits for them: the cell that has started them was to be stopped, and
the next one shall find idle workers. Those of earlier cells go on, as threads would.
"""

from __future__ import annotations

import asyncio
import sys
import threading

from ..ledger.task import newest
from ..logs import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .dispatcher import Dispatcher

log = Log(__name__)

#: Seconds after which a cell that awaits something hears of an interrupt.
_WAKE_SECONDS = 0.2


class Cells:
    """Notes where each cell begins.

    Args:
        dispatchers: Says which are at work.
    """

    def __init__(self, dispatchers: Callable[[], list[Dispatcher]]) -> None:
        self._dispatchers = dispatchers
        # The first one that matters has begun already.
        self._began = 0
        # A cell may run others, as `%run` does with those of a notebook.
        self._depth = 0
        self._timer: asyncio.TimerHandle | None = None
        if _in_main_thread():
            self._wake_loop()

    def pre_run_cell(self, info: object) -> None:
        """Event: a cell is about to be run."""
        # Those of a subshell run in other threads, and no signal interrupts them.
        if not _in_main_thread():
            return
        if not self._depth:
            self._began = newest()
            self._wake_loop()
        self._depth += 1

    def post_run_cell(self, result: Any) -> None:
        """Event: a cell has ended."""
        if not _in_main_thread():
            return
        # The first one may have begun before it was looked at.
        self._depth = max(0, self._depth - 1)
        if self._timer is not None and not self._depth:
            self._timer.cancel()
            self._timer = None
        # Between two of its statements it is said to be before the execution. A cell that awaits
        # something is cancelled.
        for when in ("error_in_exec", "error_before_exec"):
            ended_by = getattr(result, when, None)
            if isinstance(ended_by, (KeyboardInterrupt, asyncio.CancelledError)):
                try:
                    self._cancel()
                except KeyboardInterrupt:  # The second one, which is for the same cell.
                    self._cancel()

    def _wake_loop(self) -> None:
        """Has the kernel's loop, where a cell awaits something, look around from time to time.

        A signal does not wake it: ipykernel would hear of it when what is awaited is there
        (https://github.com/ipython/ipykernel/issues/881).
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._timer = loop.call_later(_WAKE_SECONDS, self._wake_loop)

    def _cancel(self) -> None:
        count = 0
        for dispatcher in self._dispatchers():
            tasks = [task for task in dispatcher.unfinished() if task.id > self._began]
            if tasks:
                count += len(tasks)
                dispatcher.cancel(tasks)
        if count:
            jobs = (
                "1 job that it has started is"
                if count == 1
                else f"{count} jobs that it has started are"
            )
            log.warning("the cell was interrupted: %s cancelled", jobs)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


_watched: Any = None


def watch(dispatchers: Callable[[], list[Dispatcher]]) -> None:
    """Has the cells of this program watched, if it is an IPython; once."""
    global _watched
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = ask() if ask is not None else None
    if shell is None or shell is _watched:
        return
    _watched = shell
    cells = Cells(dispatchers)
    shell.events.register("pre_run_cell", cells.pre_run_cell)
    shell.events.register("post_run_cell", cells.post_run_cell)
