"""What `Pool.imap` and `Pool.imap_unordered` return: iterators over results that come.

Of a sequence, neighbouring chunks of quick calls travel as one task. Whoever takes the results sees
nothing of that: they are told of as soon as some of a task's calls are answered for, and what a
slow call of it holds up is taken back from its worker as soon as another one has nothing to do.
"""

from __future__ import annotations

import collections
import itertools
import math
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...dispatcher.waiting import TURN
from ...ledger.task import Outcome, Task
from ...serialization.packed import Function
from ...settings import BLOCK_BYTES, BLOCK_SECONDS
from ...states import Mode
from ..answer_order import AnswerOrder, AsTheyCome, InOrder
from ..job_arguments import another_process
from ..results import let_go, unanswered, values_and_errors
from .calls import PoolCalls
from .chunk_feed import ChunkFeed

if TYPE_CHECKING:
    from typing_extensions import Self

    from .pool import Pool

T = TypeVar("T")

#: Tasks that are drawn and not taken at most, where calls are quick.
_AHEAD_TASKS = 4000

#: How many of a worker's tasks there are, where calls are slow: what it runs, what waits for it.
_AHEAD_EACH = 3

#: Calls in a task at most, where that is not the size of a chunk.
_MOST_CALLS = 20_000


class IMapIterator(Generic[T]):
    """The results of `Pool.imap`, in order. An exception takes the place of the value it is for.

    Args:
        pool: Lives as long as they are not all taken.
        calls: Those of the pool.
    """

    _feed: ChunkFeed
    _new_order: type[AnswerOrder[Any]] = InOrder

    def __init__(self, pool: Pool, calls: PoolCalls) -> None:
        self._pool: Pool | None = pool
        self._calls = calls
        # One thread at a time takes them.
        self._lock = threading.Lock()
        # Whether a thread waits for news, and what wakes it.
        self._waits = False
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        # What has come and nobody has looked at yet.
        self._arrived: collections.deque[tuple[Task, Outcome]] = collections.deque()
        self._order: AnswerOrder[tuple[Task, Outcome]] = self._new_order()
        # How many calls of each task have not been taken.
        self._open: dict[Task, int] = {}
        # Of calls that have all returned: any thread takes the next one, without the lock.
        self._plain: Iterator[T] = iter(())
        # Of others; an error counts by the place that it has among them.
        self._values: Iterator[T] = iter(())
        self._errors: dict[int, BaseException] = {}
        self._at = 0
        # How few tasks are to be left before whoever takes them has more submitted.
        self._low = 0
        # How few are to be left before the pool's thread does.
        self._least = 0
        # Of a sequence: its length, how much of it is in tasks.
        self._length: int | None = None
        self._cut = 0

    def run(self, function: Function, iterable: Iterable[Any], chunksize: int) -> None:
        """Has the calls run.

        Raises:
            TypeError: What shall be drawn from is no iterable.
            ValueError: The pool was closed meanwhile.
            SchedulerError: The scheduler cannot be used.
        """
        self._chunksize = chunksize
        if type(iterable) in (range, list, tuple):
            # A part of it is there at once; all else may be slow to come.
            self._length = len(iterable)  # type: ignore[arg-type]
            chunks = self._parts(iterable)  # type: ignore[arg-type]
        else:
            chunks = _drawn(iter(iterable), chunksize)
        self._feed = ChunkFeed(
            self._calls, function, Mode.MAP, chunks, self, fail_fast=False, single=True
        )
        self._feed.begin(here=self._length is not None)

    def _parts(self, items: Sequence[Any]) -> Iterator[Sequence[Any]]:
        # It may be a list that grows, or shrinks.
        while part := items[self._cut : self._cut + self._task_size()]:
            self._cut += len(part)
            yield part

    def _task_size(self) -> int:
        """Returns how many calls the next task shall have: some chunks, of quick ones."""
        usual = self._feed.usual_duration()
        if self._length is None or usual is None or not self._cut:
            return self._chunksize
        size = min(_MOST_CALLS, BLOCK_SECONDS / max(usual, 1e-7))
        # The workers end together.
        size = min(size, (self._length - self._cut) / (4 * max(1, self._feed.dispatcher.staff())))
        size = min(size, BLOCK_BYTES / max(1.0, self._feed.bytes_per_call))
        return max(1, int(size / self._chunksize)) * self._chunksize

    # ------------------------------------------------------------------ the feed's events

    def room(self) -> float:
        """Returns how many more tasks should be submitted, so that no worker waits for one."""
        feed = self._feed
        # Who waits does so for a slow call, and what has come since keeps no worker from work.
        ahead = len(feed.running if self._waits else self._open)
        self._least = staff = feed.dispatcher.staff()
        self._low = ahead - 1
        if not feed.has_memory:
            # Large arguments: the next ones for whoever is first to be done.
            return staff + 1 - ahead
        few = int((_AHEAD_EACH * staff + 2) * feed.dispatcher.lead.times)
        usual = feed.usual_duration()
        if usual is None or usual > BLOCK_SECONDS:
            return max(few, _AHEAD_EACH * feed.dispatcher.possible_workers) - ahead
        seconds = max(1e-7, usual * self._task_size())
        most = max(few, min(_AHEAD_TASKS, int(few * BLOCK_SECONDS / seconds)))
        # In few turns, each of many.
        self._low = most // 2
        return most - ahead

    def submitted(self, task: Task) -> None:
        """Event: a task is about to be submitted."""
        self._open[task] = task.size
        task.on_outcome = self._has_outcome

    def _has_outcome(self, task: Task) -> None:
        self._arrives(task, task.outcomes[-1])

    def is_over(self, task: Task) -> None:
        """Event: a task is over."""
        if task.error is not None:
            for outcome in unanswered(task):
                self._arrives(task, outcome)
        elif task.size == 1:
            self._arrives(task, task.outcomes[-1])
        if len(self._feed.running) <= self._least:
            self._feed.ask()

    def _arrives(self, task: Task, outcome: Outcome) -> None:
        self._arrived.append((task, outcome))
        if self._waits and self._order.is_next(task.first + outcome.lo):
            self._wake()

    def all_is_over(self) -> None:
        """Event: all tasks are over."""
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
            raise self._too_late(timeout)
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
                found = self._next_outcome(end, timeout)
                if found is None:
                    raise self._no_more()
                self._read(*found)
        finally:
            self._lock.release()

    def _read(self, task: Task, outcome: Outcome) -> None:
        self._feed.breathe()
        values, errors = values_and_errors(task, outcome)
        let_go(task, outcome)
        left = self._open[task] - (outcome.hi - outcome.lo)
        if left:
            self._open[task] = left
        else:
            del self._open[task]
            # Neither the packed values nor the arguments are of use any more.
            self._calls.forget(task)
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

    def _next_outcome(
        self, end: float | None, timeout: float | None
    ) -> tuple[Task, Outcome] | None:
        """Returns the answer whose results are next, when it has come; None if there is none."""
        __tracebackhide__ = True
        while True:
            found = self._take()
            if found is not None:
                if len(self._open) <= self._low:
                    self._have_more()
                return found
            if self._is_all():
                return None
            if self._feed.dispatcher.forsaken:
                raise another_process("get the results of", "imap")
            self._hear(end, timeout)

    def _is_all(self) -> bool:
        return self._feed.over and not self._open

    def _have_more(self) -> None:
        if self._length is None:
            self._feed.ask()
        else:
            self._feed.submit(hand_over=False)

    def _hear(self, end: float | None, timeout: float | None) -> None:
        """Waits for news a while, if there are none yet."""
        __tracebackhide__ = True
        self._waits = True
        try:
            self._have_more()
            # Others change first what is looked at here, and then look whether somebody waits.
            if self._has_next() or self._is_all():
                return
            left = math.inf if end is None else end - time.monotonic()
            self._news.get(timeout=min(max(0.0, left), TURN))
        except queue.Empty:
            if end is not None and time.monotonic() >= end:
                raise self._too_late(timeout) from None
        except KeyboardInterrupt:
            try:
                self._feed.take_back()
            except KeyboardInterrupt:
                # The second one: see `gridengine.client.map_stream.stream`.
                self._feed.take_back()
            raise
        finally:
            self._waits = False

    def _too_late(self, timeout: float | None) -> BaseException:
        from .errors import too_late

        return too_late(timeout, self._feed.dispatcher)

    def _has_next(self) -> bool:
        """Tells whether `_take` would return something."""
        is_next = self._order.is_next
        return any(is_next(task.first + outcome.lo) for task, outcome in list(self._arrived))

    def _take(self) -> tuple[Task, Outcome] | None:
        """Takes the next answer; None if it has not come."""
        while self._arrived:
            task, outcome = self._arrived.popleft()
            self._order.add(task.first + outcome.lo, outcome.hi - outcome.lo, (task, outcome))
        return self._order.take() if self._order.ready() else None


class IMapUnorderedIterator(IMapIterator[T]):
    """The results of `Pool.imap_unordered`, as they come; else as `IMapIterator`."""

    _new_order = AsTheyCome


def _drawn(items: Iterator[Any], size: int) -> Iterator[Sequence[Any]]:
    return itertools.takewhile(
        len, (list(itertools.islice(items, size)) for _ in itertools.count())
    )
