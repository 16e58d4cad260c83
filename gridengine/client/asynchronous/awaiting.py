"""`await job`: the end of a job in an event loop, without a thread for each."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...dispatcher.waiting import when_over
from ...states import JobState
from .deliveries import Deliveries, deliveries

if TYPE_CHECKING:
    from ...ledger.task import Task
    from ..job import Job
    from ..results import T

#: Bytes of a packed value that is unpacked in the loop: in some 50 µs.
_LIGHT_BYTES = 4096

#: What names a class or function in a packed value (STACK_GLOBAL of pickle): code of whomever runs
#: when it is unpacked, or a module is imported.
_NAMES_CODE = b"\x93"

#: Seconds without work after which the thread that unpacks ends.
_IDLE_SECONDS = 1.0


async def result_of(job: Job[T], task: Task, end: Callable[[], None]) -> T:
    """Returns what a job has returned, or raises what it has raised.

    Args:
        job: The job.
        task: The dispatcher's record of it.
        end: Ends the job: called when the task that awaits it is cancelled.
    """
    __tracebackhide__ = True  # as in `gridengine.client.map.map`
    if not task.over:
        await _over(task, end)
    if not _is_light(task):
        await _unpacker.collect(job)
    return job.result


async def _over(task: Task, end: Callable[[], None]) -> None:
    __tracebackhide__ = True
    loop_side = deliveries()
    future = asyncio.get_running_loop().create_future()
    when_over(task, functools.partial(loop_side.add, functools.partial(_finish, future)))
    try:
        await future
    except asyncio.CancelledError:
        end()
        raise


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_light(task: Task) -> bool:
    """Tells whether it takes no time to speak of to have the value of a task that is over."""
    if task.told is not None:
        # It is waited until what it has logged is handled.
        return False
    if task.state is not JobState.FINISHED:
        return not task.outcomes
    outcome = task.outcomes[-1]
    payload = outcome.payload
    if outcome.frames or type(payload) is not bytes or len(payload) > _LIGHT_BYTES:
        return False
    return _NAMES_CODE not in payload


class _Unpacker:
    """One thread for all values that take their time, which is there while there are any."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at_work = False

    async def collect(self, job: Job[Any]) -> None:
        """Returns when a job that is over has its value, or its error."""
        future = asyncio.get_running_loop().create_future()
        self._wanted.put(functools.partial(_collect, job, deliveries(), future))
        with self._lock:
            if not self._at_work:
                threading.Thread(target=self._work, name="gridengine-await", daemon=True).start()
                self._at_work = True
        await future

    def _work(self) -> None:
        while True:
            try:
                collect = self._wanted.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._wanted.empty():
                        self._at_work = False
                        return
                continue
            collect()
            # The job shall not wait for the next one to be let go of.
            del collect


def _collect(job: Job[Any], loop_side: Deliveries, future: asyncio.Future[None]) -> None:
    # Whatever is wrong, that it was closed meanwhile say, `result` says again.
    with contextlib.suppress(BaseException):
        job.exception  # noqa: B018  # it is there from now on
    loop_side.add(functools.partial(_finish, future))


_unpacker = _Unpacker()


def _start_anew() -> None:
    """In a fork of this program, which has no such thread."""
    global _unpacker
    _unpacker = _Unpacker()


os.register_at_fork(after_in_child=_start_anew)
