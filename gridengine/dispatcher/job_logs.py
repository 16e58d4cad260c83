"""The files that jobs' output is written to: one of each job, or of each task of a map."""

from __future__ import annotations

import functools
import os
import re

from ..ledger.task import Task
from ..logs import Log
from ..states import JobState
from .printing import printer
from .waiting import when_over

log = Log(__name__)

#: What a file's name shall not have in it.
_UNFIT = re.compile(r"[^\w.()+,=@-]+")

#: Characters of a job's name in it.
_NAME = 100

_failed: set[str] = set()


class JobLog:
    """The file of one task, which is made when something is written to it.

    Args:
        folder: Where it is.
        task: Whose it is.
        keep: Whether it stays when the task has succeeded.
    """

    def __init__(self, folder: str, task: Task, *, keep: bool) -> None:
        name = _UNFIT.sub("_", task.name)[:_NAME].lstrip(".") or "job"
        self._folder = folder
        self._path = os.path.join(folder, f"{name}-{os.getpid()}-{task.id}.log")
        self._removed = False
        if not keep:
            when_over(task, functools.partial(self._remove_if_done, task))

    def write(self, data: bytes, stream: int) -> None:
        """Has bytes written to the end of it, whichever stream they are of."""
        printer.call(functools.partial(self._append, data), len(data))

    def _append(self, data: bytes) -> None:
        # What comes after the result is not wanted either.
        if self._removed:
            return
        try:
            os.makedirs(self._folder, exist_ok=True)
            with open(self._path, "ab") as file:
                file.write(data)
        except OSError as error:
            if self._folder not in _failed:
                _failed.add(self._folder)
                log.warning("what jobs print cannot be written to %s: %s", self._folder, error)

    def _remove_if_done(self, task: Task) -> None:
        if task.state is JobState.FINISHED:
            printer.call(self._remove, 0)

    def _remove(self) -> None:
        self._removed = True
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("the log of a job that is done cannot be removed: %s", error)
