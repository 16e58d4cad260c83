"""One map on its way: tasks of calls, packed just ahead of the workers, and their answers.

A map is cut into *tasks* of neighbouring calls, one task each. The thread that called `map`
packs them, just ahead of the workers, and unpacks the answers: an iterable of any length needs
the memory of a few tasks, and an error in it is raised where it was made.
"""

from __future__ import annotations

import collections
import functools
import itertools
import queue
import time
from collections.abc import Iterable, Sequence
from typing import Any, cast

from ..dispatcher.dispatcher import Dispatcher
from ..dispatcher.waiting import when_over
from ..errors import TimeoutError
from ..ledger.task import Outcome, Task
from ..serialization.batches import pack_each, pack_together
from ..serialization.packed import Function, Packed
from ..serialization.serializer import unpack
from ..settings import BLOCK_BYTES, BLOCK_SECONDS, CHUNK_SECONDS
from ..states import JobState, Mode
from .results import error_from, unreadable

#: MapTasks that a map has under way at most, where they are small.
_AHEAD_TASKS = 4000

#: Seconds for which a map keeps the interpreter to itself: long against the 0.1 ms that it costs
#: to let another thread have it.
_BREATH = 0.0005

#: Packed arguments that a map holds in its tasks, in bytes, beyond one task a worker and one.
_AHEAD_BYTES = 256 * 1024 * 1024


class MapTasks:
    """One map on its way."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        function: Function,
        items: Iterable[Any],
        mode: Mode,
        *,
        length: int,
        chunksize: int | None,
        reraise: bool,
    ) -> None:
        self._dispatcher = dispatcher
        self._function = function._replace(frames=dispatcher.share(function.frames))
        # A part of a range is one too: a few bytes, however long it is. The others are copied
        # faster than drawn from.
        sliced = type(items) in (range, list, tuple)
        self._sequence = cast(Sequence[Any], items) if sliced else None
        self._items = iter(items)
        self._mode = mode
        self._length = length
        self._chunksize = chunksize
        self._reraise = reraise
        self._fed = 0
        self._exhausted = False
        self._failed = False
        self._timed_out = False
        self._bytes_per_call = 0.0
        self._tasks: collections.deque[Task] = collections.deque()
        self._bytes_ahead = 0
        self._running = 0
        self._breathed = 0.0
        self._answered: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._read: dict[Task, tuple[list[Any], BaseException | None]] = {}

    def run(self, end: float | None) -> list[Any]:
        results: list[Any] = []
        while True:
            while not self._exhausted and not self._failed and self._has_room():
                self._feed()
                self._breathe()
            while self._tasks and self._tasks[0] in self._read:
                values, error = self._read.pop(self._tasks.popleft())
                results.extend(values)
                if error is not None:
                    raise error
            if not self._tasks and (self._exhausted or self._failed):
                return results
            if not self._wait_for_an_answer(end):
                self._timed_out = True
                raise TimeoutError(f"the map was not done in time; {len(results)} calls were")

    def _wait_for_an_answer(self, end: float | None) -> bool:
        patience = None if end is None else max(0.0, end - time.monotonic())
        try:
            task = self._answered.get(timeout=patience)
        except queue.Empty:
            return False
        # One look at what is to be fed serves all answers that have come meanwhile.
        for waiting in range(self._answered.qsize(), -1, -1):
            # Unpacked in the order in which they come: an answer that waits for its turn as it
            # came holds the memory of its worker, beside that of its values later.
            self._read[task] = self._values(task)
            task.outcomes.clear()
            self._running -= 1
            self._breathe()
            if waiting:
                task = self._answered.get()
        return True

    def _breathe(self) -> None:
        """Lets the dispatcher's thread have the interpreter once in a while.

        To pack and unpack is to hold its lock for long, and to ask for it takes 5 ms: so long
        the workers would wait for what is ready for them.
        """
        if time.perf_counter() - self._breathed > _BREATH:
            time.sleep(1e-6)
            self._breathed = time.perf_counter()

    def abandon(self) -> None:
        """Takes back what is not done: after an error of its own, the workers may finish."""
        unfinished = [task for task in self._tasks if not task.over]
        if not unfinished:
            return
        if self._failed and not self._timed_out:
            self._dispatcher.drop(unfinished)
        else:
            self._dispatcher.cancel(unfinished)

    def close(self) -> None:
        """Has large arrays in the function let go: no other map will have the same."""
        if self._function.frames:
            self._dispatcher.forget(self._function.key)

    # ------------------------------------------------------------------ feeding

    def _has_room(self) -> bool:
        """Tells whether another task should be there, so that no worker waits for one."""
        pace = self._dispatcher.usual_duration(self._function.key)
        staff = self._dispatcher.staff()
        if self._bytes_ahead > _AHEAD_BYTES:
            # Large arguments: the next one for whoever is first to be done.
            return self._running <= staff
        # What each runs, what waits there, and as much again to choose from.
        few = 3 * staff + 2
        if self._running < few:
            return True
        if pace is not None and self._chunksize is not None:
            # MapTasks that are smaller than they should be: as many as make up for that.
            seconds = max(1e-7, pace * self._chunksize)
            return self._running < min(_AHEAD_TASKS, few * BLOCK_SECONDS / seconds)
        if pace is None or pace > BLOCK_SECONDS:
            # Slow calls: as many at once as there may ever be workers for.
            return self._running < 3 * self._dispatcher.possible_workers
        return False

    def _size(self) -> int:
        if self._dispatcher.fresh:
            return 1
        if self._chunksize is not None:
            return self._chunksize
        pace = self._dispatcher.usual_duration(self._function.key)
        if pace is None:
            return 1
        if not self._fed:
            # How large its arguments are is not known: a task of large ones fills the memory.
            return 1
        size = BLOCK_SECONDS / max(pace, 1e-8)
        size = min(size, BLOCK_BYTES / self._bytes_per_call)
        # MapTasks shrink towards the end, so that the workers end together, but not below what a
        # message is worth. Where the end is not known, as much as there was may still come.
        staff = self._dispatcher.staff()
        known = self._length >= 0
        left = max(0, self._length - self._fed) if known else self._fed
        least = CHUNK_SECONDS / max(pace, 1e-8)
        if known:
            least = min(least, self._length / staff)
        size = min(size, max(left / (4 * staff), least) + 1)
        return max(1, int(size))

    def _feed(self) -> None:
        items = self._take(self._size())
        if not items:
            self._exhausted = True
            return
        packed, apart = self._pack(items)
        size = len(packed.payload) + sum(frame.nbytes for frame in packed.frames)
        self._bytes_per_call = size / len(items)
        task = Task(
            self._function,
            self._mode,
            packed.payload,
            self._dispatcher.share(packed.frames),
            name=self._function.name,
            size=len(items),
            first=self._fed,
            fail_fast=self._reraise,
            apart=apart,
        )
        task.arguments = items
        self._fed += len(items)
        self._bytes_ahead += size
        self._running += 1
        self._tasks.append(task)
        when_over(task, functools.partial(self._over, task, size))
        self._dispatcher.submit(task)

    def _take(self, count: int) -> Sequence[Any]:
        if self._sequence is not None:
            return self._sequence[self._fed : self._fed + count]
        return list(itertools.islice(self._items, count))

    def _over(self, task: Task, size: int) -> None:
        if self._reraise and task.state is not JobState.FINISHED:
            self._failed = True
        self._bytes_ahead -= size
        self._answered.put(task)

    def _pack(self, items: Sequence[Any]) -> tuple[Packed, bool]:
        """Returns the packed items, and whether they were packed one by one."""
        together = pack_together(items)
        if together is not None:
            return together, False
        # Each by itself: one that cannot be rebuilt, or that kills who tries to, is the affair
        # of its own call.
        first = self._fed
        return pack_each(items, lambda number: f"the argument of call {first + number}"), True

    # ------------------------------------------------------------------ answers

    def _values(self, task: Task) -> tuple[list[Any], BaseException | None]:
        """Returns the values of a task, up to the error that is to be raised after them."""
        values: list[Any] = []
        if task.error is not None:
            self._failed = True
            return values, task.error
        for outcome in sorted(task.outcomes, key=lambda outcome: outcome.lo):
            got, error = self._values_of(task, outcome)
            if error is not None:
                self._failed = True
                return values, error
            values.extend(got)
        return values, None

    def _values_of(self, task: Task, outcome: Outcome) -> tuple[list[Any], BaseException | None]:
        try:
            got = unpack(outcome.payload, outcome.frames) if outcome.payload else []
        except BaseException as error:
            answer = unreadable(error, task, outcome)
            if self._reraise:
                return [], answer
            got = [answer] * (outcome.hi - outcome.lo)
        if outcome.failures:
            got = [*got, *[None] * (outcome.hi - outcome.lo - len(got))]
            for index, failure in sorted(outcome.failures.items()):
                failed = error_from(task, outcome, index, failure)
                if self._reraise:
                    return [], failed
                got[index - outcome.lo] = failed
        return got, None
