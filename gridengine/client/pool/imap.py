"""What `Pool.imap` and `Pool.imap_unordered` return: iterators over results that come."""

from __future__ import annotations

import collections
import itertools
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...ledger.task import Task
from ...serialization.packed import Function
from ...settings import BLOCK_SECONDS
from ...states import Mode
from ..job_arguments import another_process
from ..results import values_and_errors
from .calls import PoolCalls
from .chunk_feed import ChunkFeed

if TYPE_CHECKING:
    from typing_extensions import Self

    from .pool import Pool

T = TypeVar("T")

#: Chunks that are drawn and not taken at most, where calls are quick.
_AHEAD_CHUNKS = 4000

#: How many of a worker's chunks there are, where calls are slow: what it runs, what waits for it.
_AHEAD_EACH = 3


class IMapIterator(Generic[T]):
    """The results of `Pool.imap`, in order. An exception takes the place of the value it is for.

    Args:
        pool: Lives as long as they are not all taken.
        calls: Those of the pool.
    """

    _feed: ChunkFeed

    def __init__(self, pool: Pool, calls: PoolCalls) -> None:
        self._pool: Pool | None = pool
        self._calls = calls
        # One thread at a time takes them.
        self._lock = threading.Lock()
        # Whether a thread waits for news, and what wakes it.
        self._waits = False
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._turns: collections.deque[Task] = collections.deque()
        # Of a chunk whose calls have all returned: any thread takes the next one, without the lock.
        self._plain: Iterator[T] = iter(())
        # Of any other one; an error counts by the place that it has among them.
        self._values: Iterator[T] = iter(())
        self._errors: dict[int, BaseException] = {}
        self._at = 0
        # How few are to be left before whoever takes them has more submitted.
        self._low = 0
        # How few are to be left before the pool's thread does.
        self._least = 0
        self._here = False

    def run(self, function: Function, iterable: Iterable[Any], chunksize: int) -> None:
        """Has the calls run.

        Raises:
            TypeError: What shall be drawn from is no iterable.
            ValueError: The pool was closed meanwhile.
            SchedulerError: The scheduler cannot be used.
        """
        self._chunksize = chunksize
        # A part of a list is there at once; all else may be slow to come.
        self._here = sliced = type(iterable) in (range, list, tuple)
        chunks = _parts(iterable, chunksize) if sliced else _drawn(iter(iterable), chunksize)  # type: ignore[arg-type]
        mode = Mode.CALL if chunksize == 1 else Mode.MAP
        self._feed = ChunkFeed(self._calls, function, mode, chunks, self, fail_fast=False)
        self._feed.begin(here=sliced)

    # ------------------------------------------------------------------ the feed's events

    def room(self) -> float:
        """Returns how many more chunks should be submitted, so that no worker waits for one."""
        feed = self._feed
        ahead = self._ahead()
        self._least = staff = feed.dispatcher.staff()
        self._low = ahead - 1
        if not feed.has_memory:
            # Large arguments: the next ones for whoever is first to be done.
            return staff + 1 - ahead
        few = _AHEAD_EACH * staff + 2
        usual = feed.usual_duration()
        if usual is None or usual > BLOCK_SECONDS:
            return max(few, _AHEAD_EACH * feed.dispatcher.possible_workers) - ahead
        seconds = max(1e-7, usual * self._chunksize)
        most = max(few, min(_AHEAD_CHUNKS, int(few * BLOCK_SECONDS / seconds)))
        # In few turns, each of many.
        self._low = most // 2
        return most - ahead

    def _ahead(self) -> int:
        """Returns how many chunks count as drawn and not taken."""
        # What waits behind a slow call keeps no worker from work.
        try:
            return len(self._turns if self._turns[0].over else self._feed.running)
        except IndexError:
            # All are taken.
            return 0

    def submitted(self, task: Task) -> None:
        """Event: a chunk is about to be submitted."""
        self._turns.append(task)
        self._wake()

    def is_over(self, task: Task) -> None:
        """Event: a chunk is over."""
        if self._waits and self._is_there():
            self._wake()
        if len(self._feed.running) <= self._least:
            self._feed.ask()

    def all_is_over(self) -> None:
        """Event: all chunks are over."""
        self._wake()

    def _wake(self) -> None:
        if self._waits:
            self._waits = False
            self._news.put(None)

    # ------------------------------------------------------------------ whoever takes them

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        for value in self._plain:
            return value
        __tracebackhide__ = True
        return self.next()

    def next(self, timeout: float | None = None) -> T:
        """Returns the next result; waits for it, for ``timeout`` seconds at most.

        Raises:
            StopIteration: There are no more.
            TimeoutError: It is not there in time (also ``multiprocessing.TimeoutError``).
            BaseException: What the function raised instead, or what drawing its arguments has
                raised; as `AsyncResult.get`.
        """
        __tracebackhide__ = True  # as in `gridengine.client.map.map`
        end = None if timeout is None else time.monotonic() + timeout
        if not self._lock.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise _too_late(timeout)
        try:
            while True:
                for value in self._plain:
                    return value
                for value in self._values:
                    self._at += 1
                    error = self._errors.pop(self._at, None)
                    if isinstance(error, StopIteration):
                        # It would look like the end.
                        raise RuntimeError("a call raised StopIteration") from error
                    if error is not None:
                        raise error
                    return value
                task = self._next_task(end, timeout)
                if task is None:
                    raise self._no_more()
                self._read(task)
        finally:
            self._lock.release()

    def _read(self, task: Task) -> None:
        self._feed.breathe()
        values, errors = values_and_errors(task)
        task.outcomes = []
        if not errors:
            self._plain = iter(values)
            return
        self._values = iter(values)
        self._at = 0
        # Counted as the values are: from 1.
        self._errors = {index + 1: error for index, error in errors.items()}

    def _no_more(self) -> BaseException:
        self._pool = None
        error, self._feed.error = self._feed.error, None
        return StopIteration() if error is None else error

    def _next_task(self, end: float | None, timeout: float | None) -> Task | None:
        """Returns the task whose results are next, when it is over; None if there is none."""
        __tracebackhide__ = True
        while True:
            if self._is_there():
                task = self._take()
                if self._ahead() <= self._low:
                    self._have_more()
                return task
            if self._is_all():
                return None
            if self._feed.dispatcher.forsaken:
                raise another_process("get the results of", "imap")
            self._have_more()
            self._hear(end, timeout)

    def _is_there(self) -> bool:
        # Whoever takes them may be at it while the dispatcher's thread looks.
        try:
            return self._turns[0].over
        except IndexError:
            return False

    def _is_all(self) -> bool:
        return self._feed.over and not self._turns

    def _take(self) -> Task:
        return self._turns.popleft()

    def _have_more(self) -> None:
        if self._here:
            self._feed.submit(hand_over=False)
        else:
            self._feed.ask()

    def _hear(self, end: float | None, timeout: float | None) -> None:
        """Waits for news, if there are none yet."""
        __tracebackhide__ = True
        self._waits = True
        # Others change first what is looked at here, and then look whether somebody waits.
        if self._is_there() or self._is_all():
            self._waits = False
            return
        try:
            self._news.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise _too_late(timeout) from None
        except KeyboardInterrupt:
            self._feed.take_back()
            raise
        finally:
            self._waits = False


class IMapUnorderedIterator(IMapIterator[T]):
    """The results of `Pool.imap_unordered`, as they come; else as `IMapIterator`."""

    def __init__(self, pool: Pool, calls: PoolCalls) -> None:
        super().__init__(pool, calls)
        # Those that are over, in that order.
        self._done: collections.deque[Task] = collections.deque()
        self._drawn = self._taken = 0

    def _ahead(self) -> int:
        return self._drawn - self._taken

    def submitted(self, task: Task) -> None:
        """Event: a chunk is about to be submitted."""
        self._drawn += 1

    def is_over(self, task: Task) -> None:
        """Event: a chunk is over."""
        self._done.append(task)
        self._wake()
        if len(self._feed.running) <= self._least:
            self._feed.ask()

    def _is_there(self) -> bool:
        return bool(self._done)

    def _is_all(self) -> bool:
        return self._feed.over and self._taken == self._drawn

    def _take(self) -> Task:
        self._taken += 1
        return self._done.popleft()


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return itertools.takewhile(len, (items[at : at + size] for at in itertools.count(0, size)))


def _drawn(items: Iterator[Any], size: int) -> Iterator[Sequence[Any]]:
    return itertools.takewhile(
        len, (list(itertools.islice(items, size)) for _ in itertools.count())
    )


def _too_late(timeout: float | None) -> BaseException:
    from .errors import PoolTimeoutError

    return PoolTimeoutError(f"there is no result within {timeout} s")
