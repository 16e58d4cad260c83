"""The files that jobs' output is written to: one of each job, or of each task of a map."""

from __future__ import annotations

import functools
import os
import re

from ..ledger.task import Task
from ..ledger.task_output import OutputPolicy
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


def new_log(policy: OutputPolicy, task: Task) -> str:
    """Returns the path of a task's file, which is made when something is written to it."""
    name = _UNFIT.sub("_", task.name)[:_NAME].lstrip(".") or "job"
    path = os.path.join(policy.logs, f"{name}-{os.getpid()}-{task.id}.log")
    if not policy.keep_logs:
        when_over(task, functools.partial(_remove_if_done, task, path))
    return path


def write(path: str, data: bytes) -> None:
    """Has bytes written to the end of a file."""
    printer.call(functools.partial(_append, path, data), len(data))


def _append(path: str, data: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "ab") as file:
            file.write(data)
    except OSError as error:
        folder = os.path.dirname(path)
        if folder not in _failed:
            _failed.add(folder)
            log.warning("what jobs print cannot be written to %s: %s", folder, error)


def _remove_if_done(task: Task, path: str) -> None:
    if task.state is JobState.FINISHED:
        printer.call(functools.partial(_remove, path), 0)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("the log of a job that is done cannot be removed: %s", error)
