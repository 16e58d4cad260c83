"""A map in a job that was granted one core: its calls run where it is drawn from.

No process and no thread is started: the worker that waits for the calls is the one that runs them.
To the caller all is as elsewhere: a call gets copies of its arguments, the values are copies, and a
failure arrives as it does from a worker.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from .. import nesting
from ..ledger.task import Outcome, Place, Task
from ..serialization.copies import Copy, copies
from ..serialization.exceptions import add_note
from ..serialization.function_options import Seed
from ..serialization.functions import name_of
from ..serialization.packed import Function
from ..states import Mode
from ..worker.calls import Items, Span, next_width, pack_failure, run_slice
from ..worker.seeds import NumberedItems, SeededCalls, streams_of
from .results import error_from, unreadable


def stream_in_place(
    function: Callable[..., Any],
    items: Iterable[Any],
    mode: Mode,
    *,
    chunksize: int | None = None,
    buffersize: int | None = None,
    reraise: bool = True,
    seed: Seed | None = None,
) -> Generator[list[Any], None, None]:
    """Yields the values of a map in runs, as `gridengine.client.map_stream.stream` does.

    Args:
        function: What is called.
        items: The arguments; of any length, drawn when their calls are due.
        mode: How the function is applied to an item.
        chunksize: Calls in a run at most; by default by the time that they take.
        buffersize: Calls at most that are drawn and whose values have not been asked for.
        reraise: Whether the first exception ends it; otherwise exceptions take the places of
            values.
        seed: What the calls are seeded with, None if they are not.

    Raises:
        BaseException: What the function raised, after the values before it; what drawing the
            items raised, at once.
        PackingError: The function or an item cannot travel.
    """
    calls = _Calls(function, mode, reraise, seed)
    return calls.runs(iter(items), min(chunksize or math.inf, buffersize or math.inf))


class _Calls:
    """The calls of one map."""

    def __init__(
        self, function: Callable[..., Any], mode: Mode, reraise: bool, seed: Seed | None
    ) -> None:
        self._function = _copied_function(function)
        self._mode = mode
        self._seed = seed
        self._reraise = reraise
        name = name_of(function)
        # For the notes that say where a failure arose.
        self._task = Task(Function(b"", b"", (), name), mode, b"", name=name)
        self._task.attempts = 1
        place = Place(os.uname().nodename, os.getpid(), nesting.queue_job())
        self._outcome = Outcome(0, 1, b"", (), {}, 0.0, 0.0, 0, place)

    def runs(self, items: Iterator[Any], most: float) -> Generator[list[Any], None, None]:
        at, width = 0, 1
        while True:
            begin = time.perf_counter()
            drawn = list(itertools.islice(items, int(min(width, most))))
            if not drawn:
                return
            values, error = self._run(drawn, at)
            at += len(drawn)
            width = next_width(width, time.perf_counter() - begin)
            if values:
                yield values
            # Its consumer may have let go of it.
            del drawn, values
            if error is not None:
                raise error

    def _run(self, drawn: list[Any], at: int) -> tuple[list[Any], BaseException | None]:
        """Returns the values of some calls, up to the error that comes after them."""
        arguments: Items = copies(drawn, lambda number: f"the argument of call {at + number}")
        span = Span(0)
        span.end = len(drawn)
        function, mode, items = self._function, self._mode, arguments
        if self._seed is not None:
            function, mode = SeededCalls(function, mode, self._seed), Mode.STARMAP
            items = NumberedItems(arguments, at)
        outer, nesting.inner.job = nesting.inner.job, self._task.name
        try:
            with streams_of(self._seed):
                run_slice(function, mode, items, 0, span, self._reraise, self._die_in_a_fork)
        finally:
            nesting.inner.job = outer
        values, errors = self._copied(span.values, drawn, at)
        for number, failure in span.failures.items():
            errors[number] = self._failure(at + number, drawn[number], failure)
        if errors and self._reraise:
            first = min(errors)
            return values[:first], errors[first]
        for number, error in errors.items():
            values[number] = error
        return values, None

    def _die_in_a_fork(self) -> None:
        # A call that forked, and whose child came back here, would have the job done twice.
        if os.getpid() != self._outcome.place.pid:
            os._exit(0)

    def _copied(
        self, values: list[Any], drawn: list[Any], at: int
    ) -> tuple[list[Any], dict[int, BaseException]]:
        """Returns copies of values, and what is wrong with those of which there are none."""
        # One of them may have none; the others shall.
        with contextlib.suppress(Exception):
            return list(copies(values, lambda _: "the result")[:]), {}
        made: list[Any] = [None] * len(values)
        errors: dict[int, BaseException] = {}
        for number, value in enumerate(values):
            try:
                copy = Copy(value, "the result")
            except Exception as error:
                errors[number] = self._failure(at + number, drawn[number], pack_failure(error))
                continue
            try:
                made[number] = copy.make()
            except Exception as error:
                self._task.first, self._task.arguments = at + number, None
                errors[number] = unreadable(error, self._task, self._outcome)
        return made, errors

    def _failure(self, number: int, item: Any, failure: bytes) -> BaseException:
        self._task.first, self._task.arguments = number, [item]
        return error_from(self._task, self._outcome, 0, failure)


def _copied_function(function: Callable[..., Any]) -> Callable[..., Any]:
    packed = Copy(function, "the function")
    try:
        made: Callable[..., Any] = packed.make()
    except Exception as error:
        broken = error
        add_note(broken, "raised while the function was unpacked in the worker")

        def fail(*_: object) -> None:
            raise broken

        return fail
    return made
