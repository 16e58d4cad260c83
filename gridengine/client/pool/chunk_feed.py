"""The items of a pool's map as tasks, one for each chunk.

A chunk is submitted as soon as there is room for it: by the thread that asks for the map, as far
as it does, and from then on by a thread of the pool, as results come in and are taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ...dispatcher.dispatcher import Dispatcher
from ...errors import JobCancelled, SchedulerError
from ...ledger.task import Task
from ...serialization.batches import pack_each, pack_together
from ...serialization.packed import Function
from ...serialization.serializer import pack_arguments
from ...states import JobState, Mode
from ..call_options import PLAIN
from .calls import PoolCalls

#: Bytes of packed arguments that wait for a worker or for their results, at most.
_AHEAD_BYTES = 256 * 1024 * 1024

#: Chunks that are submitted before the next look at how many there shall be.
_AT_A_TIME = 100

#: Seconds for which chunks of one map are submitted before those of others have their turn.
_TURN = 0.02

#: Seconds for which a thread keeps the interpreter to itself: the dispatcher's, which has to ask
#: for it, would wait 5 ms.
_BREATH = 0.0005


class Receiver(Protocol):
    """Who asked for the results."""

    def room(self) -> float:
        """Returns how many more chunks should be submitted, 0 or less for none."""

    def submitted(self, task: Task) -> None:
        """Event: a task is about to be submitted; it may be changed."""

    def is_over(self, task: Task) -> None:
        """Event, in the dispatcher's thread: a task is over."""

    def all_is_over(self) -> None:
        """Event, in any thread, once: no task is under way, and none will be."""


class ChunkFeed:
    """Submits chunks of calls as long as there is room for them.

    Args:
        calls: Those of the pool.
        function: What is called.
        mode: How it is applied to an item.
        chunks: The items, those of a chunk together.
        receiver: Who has asked for it.
        fail_fast: Whether the first failure in a chunk ends the chunk.
        single: Whether a chunk of one item is a single call, which takes half as long to submit,
            and of which an error does not say the number.

    Attributes:
        dispatcher: Whose workers do them.
        running: The tasks that are not over, with the bytes of their arguments.
        exhausted: Whether no more are submitted.
        over: Whether also none is under way.
        ended: Set when all who asked for it know that it is over.
        error: What has ended it, if not the end of the items.

    Raises:
        PackingError: The function cannot travel.
        SchedulerError: The scheduler cannot be used.
    """

    def __init__(
        self,
        calls: PoolCalls,
        function: Function,
        mode: Mode,
        chunks: Iterator[Sequence[Any]],
        receiver: Receiver,
        *,
        fail_fast: bool,
        single: bool = False,
    ) -> None:
        self._calls = calls
        self._single = single
        self.dispatcher: Dispatcher = calls.dispatcher()
        placed = PLAIN.placed(function, *self.dispatcher.surroundings)
        self._function = self.dispatcher.sharing.function(placed)
        self._mode = mode
        self._chunks = chunks
        self._receiver = receiver
        self._fail_fast = fail_fast
        self._fed = 0
        # Each is counted by one thread alone.
        self._bytes_sent = self._bytes_done = 0
        self._breathed = 0.0
        self._at_work = threading.Lock()
        # Whether a turn of the pool's thread is due.
        self._asked = False
        self._end_seen = threading.Lock()
        self.running: dict[Task, int] = {}
        self.exhausted = self.over = self._unwanted = False
        self.ended = threading.Event()
        self.error: BaseException | None = None

    # ------------------------------------------------------------------ what is asked of it

    def begin(self, here: bool) -> None:
        """Begins, in the calling thread with ``here``; once.

        Raises:
            ValueError: The pool was closed meanwhile.
        """
        self._calls.check_running()
        self._calls.add_feed(self)
        if here:
            self.submit()
        else:
            self.ask()

    def ask(self) -> None:
        """Has more submitted by the pool's thread if there is room. Returns at once."""
        if not self._asked and not self.exhausted:
            self._asked = True
            self._calls.feeding.do(self._turn)

    def submit(self, *, hand_over: bool = True) -> None:
        """Submits more if there is room, unless another thread is at it.

        After a while the pool's thread goes on with it; without ``hand_over`` only if nothing is
        under way whose end would have somebody ask for more.
        """
        try:
            self._submit_while_there_is_room(hand_over)
        except KeyboardInterrupt:
            # Some of it may run already, and nobody will ask for that.
            self.take_back()
            raise

    def _submit_while_there_is_room(self, hand_over: bool) -> None:
        while self._room() > 0 and self._at_work.acquire(blocking=False):
            try:
                enough = self._submit_some()
            finally:
                self._at_work.release()
            if enough:
                if hand_over or not self.running:
                    self.ask()
                return
            # There may be room since the last look, and whoever saw it has left it to this thread.

    def stop(self) -> None:
        """Has no more submitted; whoever waits for more hears that. Returns at once."""
        if not self.exhausted:
            self.error = JobCancelled("the pool was terminated before all of it was begun")
            self._exhaust()

    def take_back(self) -> None:
        """As `stop`, and ends what is under way: who waited for it was interrupted."""
        self._unwanted = True
        if not self.exhausted:
            self.error = JobCancelled("it was interrupted before all of it was begun")
            self._exhaust()
        self.dispatcher.cancel(list(self.running))

    @property
    def bytes_per_call(self) -> float:
        """Bytes of the arguments of a call, 0 if that is not known yet."""
        return self._bytes_sent / max(1, self._fed)

    @property
    def has_memory(self) -> bool:
        """Whether the arguments that are under way leave room for others."""
        return self._bytes_sent - self._bytes_done <= _AHEAD_BYTES

    def usual_duration(self) -> float | None:
        """Returns the seconds that a call takes, None if that is not known yet."""
        return self.dispatcher.usual_duration(self._function.key)

    # ------------------------------------------------------------------ one thread at a time

    def _turn(self) -> None:
        self._asked = False
        self.submit()

    def _room(self) -> float:
        if self.exhausted:
            return 0
        return _AT_A_TIME if self._calls.draining else self._receiver.room()

    def _submit_some(self) -> bool:
        """Submits as many as there is room for; returns whether others are to have their turn."""
        end = time.monotonic() + _TURN
        # To ask whether there is room takes as long as to make a small task.
        while (room := self._room()) > 0:
            while room > 0:
                try:
                    task = self._next()
                except Exception as error:
                    self.error = error
                    task = None
                except BaseException as error:
                    self.error = JobCancelled(f"{type(error).__name__} came while it was begun")
                    self._exhaust()
                    raise
                if task is None:
                    self._exhaust()
                    return False
                room = room - 1 if self.has_memory else 0
                self.breathe()
                if time.monotonic() > end:
                    return True
        return False

    def _next(self) -> Task | None:
        """Submits the next chunk; None if there is none."""
        items = next(self._chunks, None)
        if items is None or self.exhausted:
            return None
        task = self._task(items)
        self._fed += len(items)
        size = len(task.payload) + sum(frame.nbytes for frame in task.frames)
        self._bytes_sent += size
        self.running[task] = size
        self._receiver.submitted(task)
        try:
            self._calls.submit(self.dispatcher, task, lambda: self._is_over(task))
        except SchedulerError as error:
            # Whoever waits for it hears of it.
            task.end(JobState.FAILED, error)
            return None
        except BaseException:
            # Ctrl-C: nobody knows whether it was submitted, and it shall be over either way.
            self.dispatcher.cancel([task])
            raise
        if self._unwanted:
            # Since somebody has last looked at what is under way.
            self.dispatcher.cancel([task])
        return task

    def _task(self, items: Sequence[Any]) -> Task:
        first = self._fed
        apart = False
        arguments: Any = items
        mode = self._mode
        if self._single and len(items) == 1:
            mode = Mode.CALL
            arguments = (items[0],), {}
            payload, frames = pack_arguments(arguments)
        else:
            packed = pack_together(items)
            apart = packed is None
            if packed is None:
                packed = pack_each(items, lambda number: f"the argument of call {first + number}")
            payload, frames = packed
        return Task(
            self._function,
            mode,
            payload,
            self.dispatcher.sharing.frames(frames) if frames else frames,
            name=self._function.name,
            size=len(items),
            first=first,
            fail_fast=self._fail_fast,
            apart=apart,
            arguments=arguments,
        )

    def breathe(self) -> None:
        """Lets other threads have the interpreter once in a while."""
        if time.perf_counter() - self._breathed > _BREATH:
            time.sleep(1e-6)
            self._breathed = time.perf_counter()

    def _exhaust(self) -> None:
        self.exhausted = True
        self._look_for_the_end()

    # ------------------------------------------------------------------ the dispatcher's thread

    def _is_over(self, task: Task) -> None:
        self._bytes_done += self.running.pop(task)
        self._receiver.is_over(task)
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        # Two threads may see it.
        if self.exhausted and not self.running and self._end_seen.acquire(blocking=False):
            if self._function.frames:
                # Another map shall have the arrays in it as they were; it cannot begin before
                # somebody has seen that this one is over.
                self.dispatcher.forget(self._function.key)
            self.over = True
            self._receiver.all_is_over()
            self._calls.remove_feed(self)
            self.ended.set()
