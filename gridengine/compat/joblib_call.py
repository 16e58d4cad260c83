"""The batches of one call of a `joblib.Parallel`, under way."""

from __future__ import annotations

import collections
import functools
import math
import queue
import threading
from collections.abc import Callable
from typing import Any

from ..client.call_options import PLAIN
from ..client.results import error_of, value_in
from ..dispatcher.dispatcher import Dispatcher
from ..dispatcher.waiting import when_over
from ..ledger.task import Task
from ..logs import Log
from ..serialization.by_value.explain import short_repr
from ..serialization.functions import name_of
from ..serialization.packed import Function
from ..states import Mode
from .joblib_arrays import BatchPacker

_log = Log(__name__)

#: What joblib is told of a batch: the task, or what has kept it from being one.
Answer = Task | Exception


class Description:
    """The calls of a batch as a failure, or a death, tells of them.

    Args:
        batch: A `joblib.parallel.BatchedCalls`.
    """

    def __init__(self, batch: Any) -> None:
        self._calls = getattr(batch, "items", ())

    @property
    def name(self) -> str:
        """The name of the function, of the first call's if there are several."""
        return name_of(self._calls[0][0]) if self._calls else "joblib"

    def __repr__(self) -> str:
        shown = [_call_shown(*call) for call in (*self._calls[:1], *self._calls[1:][-1:])]
        return " to ".join(shown) + (f", {len(self._calls)} calls" if len(shown) > 1 else "")


def _call_shown(function: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    given = [short_repr(value) for value in args]
    given += [f"{name}={short_repr(value)}" for name, value in kwargs.items()]
    return f"{name_of(function)}({', '.join(given)})"


class CallUnderWay:
    """Has batches run, so many at a time at most, and tells joblib of them in a thread of its own.

    What joblib does when it is told takes long: it unpacks the values, and packs the next batch.

    Args:
        dispatcher: Whose workers run them.
        packer: Packs them.
        limit: How many may be with the workers.
    """

    def __init__(self, dispatcher: Dispatcher, packer: BatchPacker, limit: float) -> None:
        self._dispatcher = dispatcher
        self._packer = packer
        self._room = math.inf if limit >= dispatcher.possible_workers else limit
        self._lock = threading.Lock()
        self._waiting: collections.deque[Task] = collections.deque()
        self._running: set[Task] = set()
        self._answers: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        threading.Thread(
            target=_call_each, args=(self._answers,), name="gridengine-joblib", daemon=True
        ).start()

    def submit(self, batch: Any, callback: Callable[[Answer], object]) -> Answer:
        """Has a batch run; what is wrong with it is told as how it ends is: by ``callback``."""
        try:
            task = self._task_of(batch)
            when_over(task, functools.partial(self._over, task, callback))
            with self._lock:
                self._waiting.append(task)
            self._hand_out()
        except Exception as error:
            # joblib asks for the next batch when it is told of another, in a thread where nobody
            # would hear of it.
            self._answers.put(functools.partial(callback, error))
            return error
        return task

    def _shared(self, function: Function) -> Function:
        placed = PLAIN.placed(function, *self._dispatcher.surroundings)
        return self._dispatcher.sharing.function(placed)

    def _task_of(self, batch: Any) -> Task:
        numbers, (payload, frames) = self._packer.pack(batch)
        description = Description(batch)
        sharing = self._dispatcher.sharing
        task = Task(
            self._packer.function(numbers, self._shared),
            Mode.CALL,
            payload,
            sharing.frames(frames),
            name=description.name,
        )
        task.arguments = ((description,), {})
        return task

    def _hand_out(self) -> None:
        """Gives the dispatcher what there is room for; in any thread.

        Raises:
            SchedulerError: The scheduler was closed.
        """
        while True:
            with self._lock:
                if not self._waiting or len(self._running) >= self._room:
                    return
                task = self._waiting.popleft()
                self._running.add(task)
            self._dispatcher.submit(task)

    def _over(self, task: Task, callback: Callable[[Answer], object]) -> None:
        """Notes that a task is over; in the dispatcher's thread."""
        with self._lock:
            self._running.discard(task)
        self._answers.put(functools.partial(callback, task))
        if self._waiting:
            try:
                self._hand_out()
            except Exception as error:
                self._answers.put(functools.partial(callback, error))

    def cancel(self) -> None:
        """Takes back what is not done; what runs is ended."""
        with self._lock:
            self._waiting.clear()
            running, self._running = list(self._running), set()
        if running:
            self._dispatcher.cancel(running)

    def close(self) -> None:
        """Ends the thread, and has the workers let go of what the batches shared."""
        self._answers.put(None)
        for function in self._packer.functions():
            self._dispatcher.forget(function.key)


def _call_each(answers: queue.SimpleQueue[Callable[[], object] | None]) -> None:
    while (answer := answers.get()) is not None:
        try:
            answer()
        except BaseException:
            _log.exception("joblib could not be told how a batch has ended")
        # It holds the values.
        del answer


def values_of_batch(answer: Answer) -> tuple[list[Any], float]:
    """Returns what the calls of a batch returned, and how many seconds they took.

    Raises:
        BaseException: What one of them raised, with the remote traceback as its ``__cause__``.
        JobError: The batch ended in another way; see `gridengine.errors`.
        UnpackingError: A value cannot be rebuilt here.
    """
    if isinstance(answer, Exception):
        raise answer
    error = error_of(answer, 0)
    if error is not None:
        raise error
    outcome = answer.outcomes[-1]
    answer.outcomes = []
    return value_in(answer, outcome), outcome.wall
