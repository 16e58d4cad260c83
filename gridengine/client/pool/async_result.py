"""What a pool's asynchronous calls return: results that are there some day."""

from __future__ import annotations

import _thread
import abc
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...dispatcher.dispatcher import Dispatcher
from ...dispatcher.waiting import in_turns, wait
from ...ledger.task import Task
from ...serialization.packed import Function
from ...states import FINAL, JobState, Mode
from ..job_arguments import another_process
from ..results import error_of, value_in, values_of
from .calls import TERMINATE, PoolCalls
from .chunk_feed import ChunkFeed

if TYPE_CHECKING:
    from .pool import Pool

T = TypeVar("T")


class AsyncResult(abc.ABC, Generic[T]):
    """The result of `Pool.apply_async`, or of `Pool.map_async` or `Pool.starmap_async`.

    Pools make it; programs do not.

    Args:
        pool: Lives as long as it is not there.
        calls: Those of the pool.
        callback: Is called with the value.
        error_callback: Is called with the exception, if there is no value.
    """

    _value: Any = None
    _error: BaseException | None = None
    _is_known = False
    # Of one with callbacks: set when they have been called.
    _told: threading.Event | None = None

    def __init__(
        self,
        pool: Pool | None,
        calls: PoolCalls,
        callback: Callable[[T], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> None:
        self._pool = pool
        self._calls = calls
        self._lock = _thread.allocate_lock()
        if callback is not None or error_callback is not None:
            calls.telling.start()
            self._callback, self._error_callback = callback, error_callback
            self._told = threading.Event()

    def ready(self) -> bool:
        """Tells whether the result is there, and its callback was called."""
        return self._is_over() if self._told is None else self._told.is_set()

    def successful(self) -> bool:
        """Tells whether the result is a value, and no exception.

        Raises:
            ValueError: It is not there yet.
        """
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        self._know(None)
        return self._error is None

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the result is there, for ``timeout`` seconds at most.

        Raises:
            RuntimeError: This process is a fork of the one that has asked for it, which alone
                hears of it.
        """
        if self._told is None:
            self._wait(timeout)
        elif not self._told.is_set():
            self._check_process()
            in_turns(self._told.wait, timeout)

    def get(self, timeout: float | None = None) -> T:
        """Returns the result; waits for it, for ``timeout`` seconds at most.

        Raises:
            TimeoutError: It is not there in time (also ``multiprocessing.TimeoutError``).
            BaseException: What the function raised, with the remote traceback as its
                ``__cause__``.
            JobError: A call ended in another way; see `gridengine.errors`.
            PackingError: The function, or an argument, cannot travel.
            RuntimeError: As `wait`.
        """
        __tracebackhide__ = True
        if not self._is_known or not self.ready():
            end = None if timeout is None else time.monotonic() + timeout
            if not self._know(end) or not self._is_told(end):
                from .errors import too_late

                raise too_late(timeout, self._whose())
            self._pool = None
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[no-any-return]  # a T by now

    def get_here(self) -> T:
        """As `get`, for whoever alone knows of it: Ctrl-C takes back what is not done."""
        __tracebackhide__ = True  # as in `gridengine.client.map.map`
        try:
            return self.get()
        except KeyboardInterrupt:
            try:
                self._take_back()
            except KeyboardInterrupt:
                # The second one: see `gridengine.client.map_stream.stream`.
                self._take_back()
            raise

    # ------------------------------------------------------------------ inside

    @abc.abstractmethod
    def _take_back(self) -> None:
        """Takes back what is not done; what runs is ended."""

    @abc.abstractmethod
    def _is_over(self) -> bool:
        """Tells whether its calls are over."""

    @abc.abstractmethod
    def _wait(self, timeout: float | None) -> None:
        """Waits until its calls are over."""

    @abc.abstractmethod
    def _gather(self, end: float | None) -> bool:
        """Has the value or the error there, or returns False if it is not there by ``end``."""

    @abc.abstractmethod
    def _check_process(self) -> None:
        """Raises in a fork of the program."""

    def _know(self, end: float | None) -> bool:
        """As `_gather`, for any thread."""
        if self._is_known:
            return True
        __tracebackhide__ = True
        if not self._lock.acquire(timeout=-1 if end is None else max(0.0, _left(end) or 0.0)):
            return False
        try:
            if not self._is_known:
                self._is_known = self._gather(end)
        finally:
            self._lock.release()
        return self._is_known

    def _is_told(self, end: float | None) -> bool:
        # From a callback of its own it can be asked for, too.
        if self._told is None or self._calls.telling.is_current():
            return True
        return in_turns(self._told.wait, _left(end))

    def _tell_later(self) -> None:
        """Has the callbacks called; to be called when its calls are over."""
        if self._told is None:
            return
        if self._calls.state == TERMINATE:
            # Whoever has ended the pool does not want to hear of it.
            self._told.set()
        else:
            self._calls.telling.do(self._tell)

    def _tell(self) -> None:
        assert self._told is not None
        callback, error_callback = self._callback, self._error_callback
        self._callback = self._error_callback = None
        try:
            self._know(None)
            if self._error is None:
                if callback is not None:
                    callback(self._value)
            elif error_callback is not None:
                error_callback(self._error)
        finally:
            self._told.set()

    def _whose(self) -> Dispatcher | None:
        """Returns whose workers do it, None if that is not known."""
        return None


class CallResult(AsyncResult[T]):
    """The result of one call; see `AsyncResult`."""

    _task: Task | None = None
    _dispatcher: Dispatcher | None = None

    def run(self, dispatcher: Dispatcher, task: Task) -> None:
        """Has the call run.

        Raises:
            ValueError: The pool was closed meanwhile.
            SchedulerError: The scheduler was closed.
        """
        self._calls.check_running()
        self._task, self._dispatcher = task, dispatcher
        self._calls.submit(dispatcher, task, None if self._told is None else self._tell_later)

    def fail(self, error: BaseException) -> None:
        """Notes that the call cannot be run."""
        self._error, self._is_known = error, True
        self._tell_later()

    def _take_back(self) -> None:
        if self._dispatcher is not None and self._task is not None:
            self._dispatcher.cancel([self._task])

    def _whose(self) -> Dispatcher | None:
        return self._dispatcher

    def _is_over(self) -> bool:
        return self._task is None or self._task.state in FINAL

    def _wait(self, timeout: float | None) -> None:
        __tracebackhide__ = True
        if not self._is_over():
            assert self._task is not None
            self._check_process()
            wait(self._task, timeout)

    def _check_process(self) -> None:
        if self._dispatcher is not None and self._dispatcher.forsaken and not self._is_over():
            assert self._task is not None
            raise another_process("get the result of", self._task.name)

    def _gather(self, end: float | None) -> bool:
        __tracebackhide__ = True
        self._wait(_left(end))
        task = self._task
        if task is None or not self._is_over():
            return task is None
        error = None if task.state is JobState.FINISHED else error_of(task, 0)
        if error is None:
            try:
                self._value = value_in(task, task.outcomes[-1])
            except Exception as unreadable:
                error = unreadable.with_traceback(None)
        self._error = error
        # Neither the packed value nor the arguments are of use any more.
        self._calls.forget(task)
        self._task = None
        return True


class MapResult(AsyncResult[list[T]]):
    """The results of many calls; see `AsyncResult`."""

    _feed: ChunkFeed | None = None

    def __init__(
        self,
        pool: Pool | None,
        calls: PoolCalls,
        callback: Callable[[list[T]], object] | None,
        error_callback: Callable[[BaseException], object] | None,
    ) -> None:
        super().__init__(pool, calls, callback, error_callback)
        self._tasks: list[Task | None] = []
        self._read = 0
        self._news = threading.Event()
        self._over = threading.Event()
        self._value = []

    def run(self, function: Function, mode: Mode, chunks: Iterator[Sequence[Any]]) -> None:
        """Has the calls run.

        Raises:
            ValueError: The pool was closed meanwhile.
            SchedulerError: The scheduler cannot be used.
        """
        self._feed = ChunkFeed(self._calls, function, mode, chunks, self, fail_fast=True)
        self._feed.begin(here=True)

    def fail(self, error: BaseException) -> None:
        """Notes that the calls cannot be run."""
        self._error, self._is_known = error, True
        self.all_is_over()

    # ------------------------------------------------------------------ the feed's events

    def room(self) -> float:
        """Returns how many more chunks should be submitted: all, as long as there is memory."""
        assert self._feed is not None
        feed = self._feed
        if feed.has_memory:
            return math.inf
        return feed.dispatcher.staff() + 1 - len(feed.running)

    def submitted(self, task: Task) -> None:
        """Event: a chunk is about to be submitted."""
        self._tasks.append(task)
        self._news.set()

    def is_over(self, task: Task) -> None:
        """Event: a chunk is over."""
        assert self._feed is not None
        self._feed.ask()

    def all_is_over(self) -> None:
        """Event: all chunks are over."""
        self._over.set()
        self._news.set()
        self._tell_later()

    # ------------------------------------------------------------------ whoever asks

    def _take_back(self) -> None:
        if self._feed is not None:
            self._feed.take_back()

    def _whose(self) -> Dispatcher | None:
        return None if self._feed is None else self._feed.dispatcher

    def _is_over(self) -> bool:
        return self._over.is_set()

    def _wait(self, timeout: float | None) -> None:
        self._check_process()
        in_turns(self._over.wait, timeout)

    def _check_process(self) -> None:
        feed = self._feed
        if feed is not None and feed.dispatcher.forsaken and not self._is_over():
            raise another_process("get the results of", "map")

    def _gather(self, end: float | None) -> bool:
        __tracebackhide__ = True
        self._check_process()
        # As they come: the others still run meanwhile.
        while True:
            self._news.clear()
            while self._read < len(self._tasks):
                task = self._tasks[self._read]
                assert task is not None
                if not wait(task, _left(end)):
                    return False
                self._take(task)
                self._calls.forget(task)
                self._tasks[self._read] = None
                self._read += 1
            if self._over.is_set() and self._read == len(self._tasks):
                break
            if not in_turns(self._news.wait, _left(end)):
                return False
        if self._feed is not None and self._error is None:
            self._error = self._feed.error
        if self._error is not None:
            self._value = None
        # It holds the items.
        self._feed = None
        return True

    def _take(self, task: Task) -> None:
        # Of several errors the first one counts.
        if self._error is None:
            values, self._error = values_of(task, reraise=True)
            self._value += values


def _left(end: float | None) -> float | None:
    return None if end is None else end - time.monotonic()
