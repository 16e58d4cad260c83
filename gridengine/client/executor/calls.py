"""The calls of an executor, and the one thread that says how they have ended.

It is apart from the executor, which its user may let go of while calls are under way::

    submit() ──▶ dispatcher ──▶ worker ──▶ dispatcher ──▶ _over ──▶ the thread ──▶ futures

The dispatcher's thread unpickles nothing and calls nobody's code. So a thread for each executor
unpacks the answers, in the order in which they come, and calls what was added by
``add_done_callback``. It is there from the first call until the executor is shut down, or let go
of, and all calls are over.
"""

from __future__ import annotations

import functools
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import TYPE_CHECKING, Any

from ...dispatcher.registry import after_all, dispatcher_for
from ...errors import InitializerError, SchedulerError
from ...ledger.task import Task
from ...logs import Log
from ...serialization.batches import pack_each, pack_together
from ...serialization.functions import pack_function
from ...serialization.serializer import pack_arguments
from ...states import JobState, Mode
from ..call_options import PLAIN
from ..job_arguments import another_process
from ..results import error_of, value_in, values_of
from .future import CallFuture

if TYPE_CHECKING:
    from ...dispatcher.dispatcher import Dispatcher
    from ...schedulers.base import Scheduler

log = Log(__name__)

_CALL, _FINISHED, _CANCELLED = Mode.CALL, JobState.FINISHED, JobState.CANCELLED

#: Seconds for which the thread keeps the interpreter to itself; see `gridengine.client.map_tasks`.
_BREATH = 0.0005

_all: weakref.WeakSet[ExecutorCalls] = weakref.WeakSet()


class ExecutorCalls:
    """What an executor has under way.

    Args:
        scheduler: Where it runs.
        owned: Whether the scheduler is closed when all is over.
    """

    def __init__(self, scheduler: Scheduler, owned: bool) -> None:
        self.scheduler = scheduler
        self._owned = owned
        self._start_anew()
        # Why no more calls are taken: what to raise, and its text.
        self._refusal: tuple[type[RuntimeError], str] | None = None
        _all.add(self)

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[Task, CallFuture[Any]] = {}
        self._over: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------------ any thread

    def submit(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> CallFuture[Any]:
        """Has a function called by a worker.

        Raises:
            RuntimeError: The executor was shut down.
            SchedulerError: The scheduler cannot be used.
        """
        self._check()
        try:
            packed = pack_function(function, "fn")
            payload, frames = pack_arguments((args, kwargs))
        except Exception as error:
            return _failed(error)
        dispatcher = self._dispatcher()
        task = Task(
            PLAIN.placed(packed, *dispatcher.surroundings),
            _CALL,
            payload,
            dispatcher.sharing.frames(frames) if frames else frames,
            name=packed.name,
            daemon=False,
            arguments=(args, kwargs),
            on_start=self._begin,
        )
        return self._hand_over(dispatcher, task)

    def submit_chunk(
        self, function: Callable[..., Any], items: list[tuple[Any, ...]]
    ) -> CallFuture[list[Any]]:
        """Has a function called by one worker with each of some tuples of arguments.

        Raises:
            RuntimeError: The executor was shut down.
            SchedulerError: The scheduler cannot be used.
        """
        self._check()
        try:
            packed = pack_function(function, "fn")
            together = pack_together(items)
            payload, frames = together or pack_each(items, "the arguments of item {}".format)
        except Exception as error:
            return _failed(error)
        dispatcher = self._dispatcher()
        task = Task(
            PLAIN.placed(packed, *dispatcher.surroundings),
            Mode.STARMAP,
            payload,
            dispatcher.sharing.frames(frames) if frames else frames,
            name=packed.name,
            size=len(items),
            daemon=False,
            fail_fast=True,
            apart=together is None,
            arguments=items,
            on_start=self._begin,
        )
        return self._hand_over(dispatcher, task)

    def _dispatcher(self) -> Dispatcher:
        # Not after a shutdown while something was packed: it would be opened anew, for ever.
        with self._lock:
            self._check()
            return dispatcher_for(self.scheduler)

    def _check(self) -> None:
        if self._refusal is not None:
            kind, why = self._refusal
            raise kind(why)

    def _hand_over(self, dispatcher: Dispatcher, task: Task) -> CallFuture[Any]:
        future: CallFuture[Any] = CallFuture()
        task.waiters = [functools.partial(self._over.put, task)]
        with self._lock:
            self._check()
            if self._thread is None:
                self._start()
            self._futures[task] = future
        try:
            dispatcher.submit(task)
        except SchedulerError:
            del self._futures[task]
            raise
        future.handed_over(dispatcher, task)
        return future

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="gridengine-executor", daemon=True)
        self._thread.start()

    @property
    def broken(self) -> bool:
        """Whether it takes no more calls because the initializer has failed."""
        return self._refusal is not None and self._refusal[0] is BrokenExecutor

    def refuse(self, why: str) -> None:
        """Takes no more calls, for this reason; the thread ends when all are over."""
        with self._lock:
            self._refusal = self._refusal or (RuntimeError, why)
        self._over.put(None)

    def let_go(self) -> None:
        """As `refuse`, when nobody has the executor any more, who could ask for more."""
        # By the garbage collector, anywhere: it can wait for no lock.
        self._refusal = self._refusal or (RuntimeError, "the executor is gone")
        self._over.put(None)

    def terminate(self) -> None:
        """Ends what runs, and cancels all else."""
        for future in list(self._futures.values()):
            future.terminate()

    def cancel(self) -> None:
        """Cancels what no worker has been given yet."""
        for future in list(self._futures.values()):
            future.cancel()

    def wait(self) -> None:
        """Waits until all that was submitted is over, and the scheduler closed if it is owned."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        # Not `join` alone: before Python 3.13 that takes a thread for ended when Ctrl-C comes.
        self._ended.wait()
        thread.join()

    # ------------------------------------------------------------------ the dispatcher's thread

    def _begin(self, task: Task) -> bool:
        future = self._futures.get(task)
        return future is not None and future.begin()

    # ------------------------------------------------------------------ the executor's thread

    def _run(self) -> None:
        try:
            breathed = 0.0
            while self._futures or not self._refusal:
                task = self._over.get()
                if task is not None:
                    self._settle(task)
                # What it holds is the user's.
                del task
                # As `MapTasks` does: the dispatcher's thread hands out what the workers wait for.
                if time.perf_counter() - breathed > _BREATH:
                    time.sleep(1e-6)
                    breathed = time.perf_counter()
            if self._owned:
                self.scheduler.close()
        finally:
            self._ended.set()

    def _settle(self, task: Task) -> None:
        future = self._futures[task]
        try:
            if task.state is _CANCELLED:
                future.end_cancelled()
            else:
                value, error = _outcome_of(task)
                future.end(value, self._broken_by(error) or error)
        except BaseException:
            # `add_done_callback` promises to survive an Exception; others are none of a future's.
            log.exception("what was to be called at the end of %r has failed", future)
        # Not before: who sees that there are no more may close what a callback uses.
        del self._futures[task]

    def _broken_by(self, error: BaseException | None) -> BrokenExecutor | None:
        """Returns what a future raises whose worker could not be initialized."""
        if not isinstance(error, InitializerError):
            return None
        broken = BrokenExecutor(str(error))
        broken.__cause__ = error
        self._refusal = BrokenExecutor, str(error)
        return broken

    # ------------------------------------------------------------------ forks

    def forsake(self) -> None:
        """To be called in a fork of the program: what was under way is its parent's affair."""
        futures = list(self._futures.items())
        self._start_anew()
        for task, future in futures:
            future.forsake(another_process("wait for", task.name))


def _failed(error: Exception) -> CallFuture[Any]:
    future: CallFuture[Any] = CallFuture()
    future.end(None, error)
    return future


def _outcome_of(task: Task) -> tuple[Any, BaseException | None]:
    try:
        if task.mode is not _CALL:
            return values_of(task, reraise=True)
        if task.state is _FINISHED:
            return value_in(task, task.outcomes[-1]), None
        return None, error_of(task, 0)
    except BaseException as error:
        return None, error


def _finish_all() -> None:
    """At the end of the program, when all dispatchers are closed: has all futures told."""
    unfinished = list(_all)
    for calls in unfinished:
        calls.refuse("cannot schedule new futures after interpreter shutdown")
    for calls in unfinished:
        calls.wait()


def _start_anew() -> None:
    """In a fork of this program, which has none of the threads."""
    for calls in list(_all):
        calls.forsake()


after_all(_finish_all)
os.register_at_fork(after_in_child=_start_anew)
