"""Failures of jobs that nobody has asked about, until somebody does or is told.

A job that fails is given an `Unretrieved`, in its task; one that does not, nothing. Who asks for
the exception takes it. If it is let go of instead, with the job, a thread of its own tells of the
failure: what lets go of it may be the garbage collector, anywhere, or the dispatcher's thread,
which unpacks nothing and must not wait for what somebody does about it.
"""

from __future__ import annotations

import collections
import copy
import itertools
import os
import threading

from ..dispatcher.registry import after_all
from ..errors import JobExited
from ..ledger.task import Task
from .excepthook import ExceptHookArgs, call_excepthook
from .replay import keep
from .results import error_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .job import Job

_numbers = itertools.count(1)

#: Copies of the tasks that nobody has asked about; whoever takes one out tells of it.
_unretrieved: dict[int, Task] = {}
_forgotten: collections.deque[int] = collections.deque()

#: Held by the one thread that tells of those that were forgotten.
_telling = threading.Lock()


class Unretrieved:
    """A failure that is told of when this is let go of, unless somebody takes it before.

    Args:
        task: The job that fails at this moment.
    """

    __slots__ = ("_number",)

    def __init__(self, task: Task) -> None:
        self._number = next(_numbers)
        keep(task)
        # Not the task itself, which holds this.
        _unretrieved[self._number] = copy.copy(task)

    def take(self) -> bool:
        """Has nobody else told of it; False if somebody was first."""
        return _unretrieved.pop(self._number, None) is not None

    def __del__(self) -> None:
        # At the end of an interpreter the globals of modules are None.
        if _unretrieved and self._number in _unretrieved:
            _forgotten.append(self._number)
            _tell_of_forgotten()


def tell(task: Task, error: BaseException | None, job: Job | None = None) -> None:
    """Tells ``gridengine.excepthook`` of a job's failure; a call of ``sys.exit`` is none."""
    if error is None or isinstance(error, JobExited):
        return
    host = task.place.host if task.place else ""
    call_excepthook(ExceptHookArgs(type(error), error, None, job, task.name, host))


def _tell_of_forgotten() -> None:
    """Sees to it that a thread does it."""
    if not _telling.acquire(blocking=False):
        return
    try:
        threading.Thread(target=_tell_all, name="gridengine-excepthook", daemon=True).start()
    except RuntimeError:
        # There can be no more threads, and the end of the program is near: `_tell_the_rest`.
        _telling.release()


def _tell_all() -> None:
    """Tells of all that were forgotten so far; `_telling` is held, and let go of."""
    try:
        while _forgotten:
            task = _unretrieved.pop(_forgotten.popleft(), None)
            if task is not None:
                tell(task, error_of(task, 0))
    finally:
        _telling.release()
    if _forgotten:
        # Since the last look.
        _tell_of_forgotten()


def _tell_the_rest() -> None:
    """At the end of the program, after which nothing is let go of in order."""
    _telling.acquire()
    _forgotten.extend(list(_unretrieved))
    _tell_all()


def _start_anew() -> None:
    """In a fork of this program: failures from before it are the program's affair."""
    global _telling
    _unretrieved.clear()
    _forgotten.clear()
    _telling = threading.Lock()


after_all(_tell_the_rest)
os.register_at_fork(after_in_child=_start_anew)
