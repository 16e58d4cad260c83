"""The items of a map as tasks: runs of neighbours, packed just ahead of the workers.

An iterable of any length needs the memory of a few tasks, and an error in it is raised where it
was made.
"""

from __future__ import annotations

import functools
import itertools
import math
import queue
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from ..dispatcher.dispatcher import Dispatcher
from ..dispatcher.waiting import TURN, settle_output
from ..ledger.task import Outcome, Task
from ..serialization.batches import pack_each, pack_together
from ..serialization.packed import Function, Packed
from ..settings import BLOCK_BYTES, BLOCK_SECONDS, CHUNK_SECONDS, SLICE_SECONDS
from ..states import JobState, Mode
from .call_options import PLAIN, CallOptions
from .drawing import drawn
from .stream_control import Answer, Arriving, StreamControl

#: Tasks that a map has under way at most, where they are small.
_AHEAD_TASKS = 4000

#: Calls in a task at most: of trivial ones, whose items and values as objects take ten times the
#: memory of the packed ones, still a hundred times the time that a task costs.
_MOST_CALLS = 20_000

#: Seconds for which a map keeps the interpreter to itself: long against the 0.1 ms that it costs
#: to let another thread have it.
_BREATH = 0.0005

#: Calls and bytes of a task at most where another thread must not wait for the interpreter: in C,
#: nothing makes a pickler take a breath.
_SMOOTH_CALLS, _SMOOTH_BYTES = 500, 64 * 1024

#: Packed arguments that a map holds in its tasks, in bytes, beyond one task a worker and one.
_AHEAD_BYTES = 256 * 1024 * 1024


class MapTasks:
    """The tasks of one map, as far as its items have been drawn.

    Args:
        dispatcher: Whose workers do them.
        function: What is called.
        items: The arguments; `Arriving` ones only with a ``control``.
        mode: How the function is applied to an item.
        length: How many items there are, below 0 if that is not known.
        chunksize: Calls in a task; by default by the time that they take.
        buffersize: Calls at most that are drawn and not taken.
        fail_fast: Whether after a failure no more calls are wanted.
        end: When no more items are to be drawn, on the monotonic clock.
        control: What other threads may do to it; they do not wait long for the interpreter, then.
        options: What is asked for the calls.
        before: What is told of tasks before they are submitted.

    Attributes:
        fed: Calls that were submitted.
        taken: Calls whose values have been taken.
        failed: Whether no more calls are wanted.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        function: Function,
        items: Iterable[Any],
        mode: Mode,
        *,
        length: int,
        chunksize: int | None,
        buffersize: int | None,
        fail_fast: bool,
        end: float,
        options: CallOptions = PLAIN,
        control: StreamControl | None = None,
        before: Callable[[Iterable[Task]], object] | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._function = dispatcher.sharing.function(function)
        # A part of a range is one too: a few bytes, however long it is. The others are copied
        # faster than drawn from.
        sliced = type(items) in (range, list, tuple)
        self._sequence = cast(Sequence[Any], items) if sliced else None
        self._arriving = items if isinstance(items, Arriving) else None
        self._arrived = None if self._arriving is None else self._arriving.arrived()
        self._items = iter(items) if self._arrived is None else self._arrived
        if end < math.inf:
            # Items may be slow to come, and from one to the next.
            self._items = itertools.takewhile(lambda _: time.monotonic() < end, self._items)
        self._mode = mode
        self._length = length
        self._chunksize = chunksize
        self._buffersize = math.inf if buffersize is None else buffersize
        self._fail_fast = fail_fast
        self._end = end
        self._most_calls = _MOST_CALLS if control is None else _SMOOTH_CALLS
        self._most_bytes = BLOCK_BYTES if control is None else _SMOOTH_BYTES
        self._options = options
        # What asks for something of its own has workers of its own, of one kind or some.
        self._kind = 0 if options.asked is None else None
        self._before = before
        self.fed = 0
        self._exhausted = False
        self._bytes_per_call = self._breathed = 0.0
        self._bytes_ahead = 0
        # With the bytes of their arguments. Those are in it that are done, but were not asked for.
        self._running: dict[Task, int] = {}
        # How many calls of each were not taken.
        self._open: dict[Task, int] = {}
        self._answered = (control or StreamControl()).answered
        self.taken = 0
        self.failed = False

    @property
    def all_taken(self) -> bool:
        """True once the values of all calls have been taken, and there will be no more."""
        return self._exhausted and not self._running and not self._open

    @property
    def over(self) -> bool:
        """True once no task is under way, and none will be."""
        return not self._running and (self._exhausted or self.failed)

    def answered(self, wait: bool) -> Iterator[tuple[Task, Outcome | list[Any] | None]]:
        """Yields answers that have come; with ``wait``, waits for the first, a while at most.

        Each is for some calls of a task; or it is None, if the task has ended by an error of its
        own, or the values, of one whose calls were not made.
        """
        __tracebackhide__ = True
        if wait:
            patience = self._end - time.monotonic()
            try:
                answer = self._answered.get(timeout=min(max(0.0, patience), TURN))
            except queue.Empty:
                return
            yield from self._noted(answer)
        # One look at what is to be fed serves all answers that have come meanwhile.
        timed = self._end < math.inf
        for _ in range(self._answered.qsize()):
            self._breathe()
            if timed and self._end < time.monotonic():
                return
            yield from self._noted(self._answered.get())

    def _noted(self, answer: Answer | None) -> Iterator[tuple[Task, Outcome | list[Any] | None]]:
        if answer is None:
            return
        task, outcome, over = answer
        if over:
            # What it has printed comes before what the program has to say of its values.
            settle_output(task)
            self._bytes_ahead -= self._running.pop(task)
        if outcome is not None or task.error is not None:
            yield task, outcome

    def take(self, task: Task, calls: int) -> None:
        """Notes that the values of some calls of a task have been taken."""
        self.taken += calls
        left = self._open[task] - calls
        if left:
            self._open[task] = left
        else:
            del self._open[task]

    def _breathe(self) -> None:
        """Lets the dispatcher's thread have the interpreter once in a while.

        To pack and unpack is to hold its lock for long, and to ask for it takes 5 ms: so long
        the workers would wait for what is ready for them.
        """
        if time.perf_counter() - self._breathed > _BREATH:
            time.sleep(1e-6)
            self._breathed = time.perf_counter()

    # ------------------------------------------------------------------ the end

    def drop(self) -> None:
        """Takes back what is not done; a call that runs may end, but nobody hears of it."""
        self._take_back(self._dispatcher.drop)

    def cancel(self) -> None:
        """Takes back what is not done; what runs is killed."""
        self._take_back(self._dispatcher.cancel)

    def _take_back(self, how: Callable[[list[Task]], object]) -> None:
        unfinished = [task for task in self._running if not task.over]
        if unfinished:
            how(unfinished)
        # Not before: if Ctrl-C comes between the two, it is done again.
        self._running = {}

    def close(self) -> None:
        """Has large arrays in the function let go: another map shall have them as they were."""
        if self._function.frames:
            self._dispatcher.forget(self._function.key)

    # ------------------------------------------------------------------ feeding

    def has_room(self, waiting: int = 0) -> bool:
        """Tells whether another task should be there, so that no worker waits for one.

        ``waiting`` are tasks that are done and only wait for the consumer.
        """
        return self._room(waiting) > 0

    def _room(self, waiting: int) -> float:
        """Returns how many more tasks should be there, 0 or less if none."""
        if self._exhausted or self.failed or self.fed - self.taken >= self._buffersize:
            return 0
        if self._awaits_items():
            return 0
        if self._dispatcher.inline:
            # Each is done when it has been submitted: the next one when its values are wanted.
            return 0 if self._running or waiting else 1
        pace = self._dispatcher.usual_duration(self._function.key)
        staff = self._dispatcher.staff(self._kind)
        running = len(self._running) + waiting
        if self._bytes_ahead > _AHEAD_BYTES:
            # Large arguments: the next one for whoever is first to be done.
            return staff + 1 - running
        few = most = int(_few(staff) * self._dispatcher.lead.times)
        if pace is not None and self._chunksize is not None:
            # Tasks that are smaller than they should be: as many as make up for that.
            seconds = max(1e-7, pace * self._chunksize)
            most = max(few, int(min(_AHEAD_TASKS, few * BLOCK_SECONDS / seconds)))
        elif pace is None or pace > BLOCK_SECONDS:
            # Slow calls: as many at once as there may ever be workers for.
            most = max(few, 3 * self._dispatcher.possible_workers)
        return most - running

    def _awaits_items(self) -> bool:
        """Tells whether there is nothing to be drawn yet."""
        return self._arriving is not None and self._arriving.pending()

    def feed(self, *, waits_for_consumer: bool) -> None:
        """Submits tasks as long as there is room, and the items are not slow to come.

        Args:
            waits_for_consumer: Whether what is done and not taken only waits for the consumer.

        Raises:
            BaseException: What drawing them raises.
            PackingError: One of them cannot travel.
            SchedulerError: The scheduler was closed.
        """
        # Answers do not wait for long.
        enough = time.monotonic() + BLOCK_SECONDS
        waiting = len(self._open) - len(self._running) if waits_for_consumer else 0
        while (room := self._room(waiting)) > 0:
            tasks = self._some(room)
            if not tasks:
                return
            if self._before is not None:
                self._before(tasks)
            self._dispatcher.submit(*tasks)
            self._breathe()
            if time.monotonic() > enough:
                return

    def _some(self, room: float) -> list[Task]:
        """Makes some tasks, to be submitted together; none if there are no more items.

        To wake the dispatcher takes as long as to make a small task. But nothing that is made
        waits for an item that may be long in coming, or for itself.
        """
        enough = time.perf_counter() + _BREATH
        tasks: list[Task] = []
        try:
            while len(tasks) < room and self.fed - self.taken < self._buffersize:
                items = self._take(self._size())
                if not items:
                    break
                tasks.append(self._task(items))
                if self._sequence is None or time.perf_counter() > enough:
                    break
                if self._bytes_ahead > _AHEAD_BYTES:
                    break
        except BaseException:
            # Nobody else knows of these.
            for task in tasks:
                del self._running[task], self._open[task]
            raise
        return tasks

    def _task(self, items: Sequence[Any]) -> Task:
        (payload, frames), apart = self._pack(items)
        size = len(payload)
        if frames:
            size += sum(frame.nbytes for frame in frames)
            frames = self._dispatcher.sharing.frames(frames)
        self._bytes_per_call = size / len(items)
        task = Task(
            self._function,
            self._mode,
            payload,
            frames,
            name=self._function.name,
            size=len(items),
            first=self.fed,
            timeout=self._options.timeout,
            lost_retries=self._options.lost_retries,
            error_retries=self._options.error_retries,
            timeout_retries=self._options.timeout_retries,
            fail_fast=self._fail_fast,
            apart=apart,
            arguments=items,
            output=self._options.output,
        )
        if self._options.asked is not None:
            self._dispatcher.set_requests(task, self._options.asked)
            if task.requests is None:
                self._kind = task.kind
        task.waiters = [functools.partial(self._over, task)]  # `when_over`, of what others know
        task.on_outcome = self._has_outcome
        self.fed += len(items)
        self._bytes_ahead += size
        self._running[task] = size
        self._open[task] = task.size
        return task

    def _over(self, task: Task) -> None:
        if self._fail_fast and task.state is not JobState.FINISHED:
            self.failed = True
        single = task.size == 1 and task.error is None
        self._answered.put((task, task.outcomes[-1] if single else None, True))

    def _has_outcome(self, task: Task) -> None:
        self._answered.put((task, task.outcomes[-1], False))

    def _size(self) -> int:
        if self._dispatcher.fresh:
            return 1
        room = self._buffersize - (self.fed - self.taken)
        if self._chunksize is not None:
            return self._chunksize if self._chunksize < room else int(room)
        pace = self._dispatcher.usual_duration(self._function.key)
        if pace is None:
            return 1
        if not self._bytes_per_call:
            # How large its arguments are is not known: a task of large ones fills the memory.
            return 1
        seconds = SLICE_SECONDS if self._dispatcher.inline else BLOCK_SECONDS
        size = min(self._most_calls, seconds / max(pace, 1e-8))
        size = min(size, self._most_bytes / self._bytes_per_call)
        # Tasks shrink towards the end, so that the workers end together, but not below what a
        # message is worth. Where the end is not known, as much as there was may still come.
        staff = self._dispatcher.staff(self._kind)
        known = self._length >= 0
        left = max(0, self._length - self.fed) if known else self.fed
        least = CHUNK_SECONDS / max(pace, 1e-8)
        if known:
            least = min(least, self._length / staff)
        size = min(size, max(left / (4 * staff), least) + 1)
        # Not all of a small buffer for the first who comes.
        size = min(size, room, self._buffersize / _few(staff))
        return max(1, int(size))

    def _take(self, count: int) -> Sequence[Any]:
        if self._sequence is not None:
            items = self._sequence[self.fed : self.fed + count]
            self._exhausted = not items
            return items
        items, ended = drawn(self._items, count, patient=self._chunksize is not None)
        if ended:
            # Otherwise it is the time that is up, and not the items; or they are yet to come.
            waits = self._arrived is not None and self._arrived.waits
            self._exhausted = time.monotonic() < self._end and not waits
        return items

    def _pack(self, items: Sequence[Any]) -> tuple[Packed, bool]:
        """Returns the packed items, and whether they were packed one by one."""
        together = pack_together(items)
        if together is not None:
            return together, False
        # Each by itself: one that cannot be rebuilt, or that kills who tries to, is the affair
        # of its own call.
        first = self.fed
        return pack_each(items, lambda number: f"the argument of call {first + number}"), True


def _few(staff: int) -> int:
    """Returns how many tasks keep all workers busy."""
    # What each runs, what waits there, and as much again to choose from.
    return 3 * staff + 2
