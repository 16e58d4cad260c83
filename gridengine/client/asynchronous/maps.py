"""Maps for an event loop: each is drawn in a thread of its own, never in the loop.

To draw a map is to pack arguments and to unpack results; a scheduler that was not used before is
opened, which may take seconds. ::

    the task that wants the values          the map's thread            the dispatcher's thread
      take() ◀── Handover ◀── runs of values ── MapRuns ── tasks, answers ──▶ workers
      stop() ──────────────── StreamControl ──▶
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import sys
import threading
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from typing import Any

from ..stream_control import StreamControl
from .deliveries import Deliveries, deliveries
from .items import AsyncItems, is_async

#: Runs of values that are made before the task asks for them, where nobody says how far ahead.
_RUNS_AHEAD = 8

#: Seconds for which a task is given values without a turn of the loop between them.
_BREATH = 0.0005

#: Seconds after which a thread that waits for the task looks whether its loop is still there.
_LOOK_SECONDS = 1.0


async def map_in_thread(
    f: Callable[..., Any],
    iterables: tuple[Iterable[Any] | AsyncIterable[Any], ...],
    options: dict[str, Any],
) -> list[Any]:
    """Returns all values of a map; ``options`` are for `MapRuns`."""
    __tracebackhide__ = True  # as in `gridengine.client.map.map`
    drawing = _Drawing(f, iterables, options, at_once=True)
    try:
        return await drawing.take() or []
    finally:
        drawing.stop()


async def values_in_thread(
    f: Callable[..., Any],
    iterables: tuple[Iterable[Any] | AsyncIterable[Any], ...],
    options: dict[str, Any],
) -> AsyncGenerator[Any, None]:
    """Yields the values of a map; ``options`` are for `MapRuns`."""
    drawing = _Drawing(f, iterables, options, at_once=False)
    try:
        enough = time.monotonic() + _BREATH
        while (values := await drawing.take()) is not None:
            values.reverse()
            while values:
                yield values.pop()
                if time.monotonic() > enough:
                    await asyncio.sleep(0)
                    enough = time.monotonic() + _BREATH
    finally:
        drawing.stop()


class Handover:
    """Values on their way from the thread that makes them to the task that wants them.

    Args:
        loop_side: Of the task's loop.
        ahead: Runs of values that may wait there; with 0 none is made before the task asks.
    """

    def __init__(self, loop_side: Deliveries, ahead: int) -> None:
        self._loop_side = loop_side
        self._runs: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self._permits: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(ahead):
            self._permits.put(None)
        self._news = asyncio.Event()
        self._over = False
        self._error: BaseException | None = None

    # ------------------------------------------------------------------ in the map's thread

    def put(self, values: list[Any]) -> None:
        """Hands a run of values over."""
        self._runs.put(values)
        self._loop_side.add(self._news.set)

    def wait_for_room(self) -> bool:
        """Waits until another run may be made; False if nobody will take it."""
        while not self._loop_side.closed:
            try:
                self._permits.get(timeout=_LOOK_SECONDS)
                return True
            except queue.Empty:
                continue
        return False

    def end(self, error: BaseException | None) -> None:
        """Says that there is no more, and why."""
        self._error = error
        self._over = True
        self._loop_side.add(self._news.set)

    # ------------------------------------------------------------------ in the loop

    async def take(self) -> list[Any] | None:
        """Returns the next run of values, None after the last.

        Raises:
            BaseException: Why there is no more.
        """
        __tracebackhide__ = True
        self.make_room()
        while True:
            over = self._over
            try:
                return self._runs.get_nowait()
            except queue.Empty:
                if over:
                    break
            await self._news.wait()
            self._news.clear()
        error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    def make_room(self) -> None:
        """Has another run made. Never blocks."""
        self._permits.put(None)


class _Drawing:
    """A map that is drawn in a thread, as the task has it that wants the values.

    Once nobody has it any more, the map ends: a generator that is let go of while its loop does
    not run, or no more, is not closed.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        iterables: tuple[Iterable[Any] | AsyncIterable[Any], ...],
        options: dict[str, Any],
        *,
        at_once: bool,
    ) -> None:
        loop_side = deliveries()
        strict = options.get("buffersize") is not None
        control = StreamControl()
        self._control = control
        self._handover = Handover(loop_side, 0 if strict else _RUNS_AHEAD)
        self._items: AsyncItems | None = None
        if any(map(is_async, iterables)):
            self._items = AsyncItems(iterables, control, loop_side, ahead=not strict)
            options = {**options, "arriving": self._items}
        self._end = weakref.finalize(self, _stop, control, self._handover)
        self._end.atexit = False
        thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(_draw, control, self._handover, f, iterables, options, at_once, sys.gettrace()),
            name="gridengine-aio",
            daemon=True,
        )
        thread.start()
        if self._items is not None:
            self._items.start()

    async def take(self) -> list[Any] | None:
        """Returns the next values, None after the last."""
        __tracebackhide__ = True
        return await self._handover.take()

    def stop(self) -> None:
        """Takes back what is not done, and ends what runs. Never blocks."""
        self._end()
        if self._items is not None:
            self._items.stop()


def _stop(control: StreamControl, handover: Handover) -> None:
    control.stop()
    handover.make_room()


def _draw(
    control: StreamControl,
    handover: Handover,
    f: Callable[..., Any],
    iterables: tuple[Any, ...],
    options: dict[str, Any],
    at_once: bool,
    trace: Any,
) -> None:
    """Draws a map; all of its thread.

    ``trace`` is what the thread that wants the values is traced by: a debugger traces one thread
    alone, and calls that run inline run in this one.
    """
    # Not by the loop, for which all that comes with it would take too long.
    from ..map_runs import MapRuns

    try:
        runs = MapRuns(f, iterables, **options)
        stream: Generator[list[Any], None, None] = runs.start(control)
        # Who measures coverage has asked for all threads, and has another one for each.
        if runs.inline and sys.gettrace() is None:
            sys.settrace(trace)
        try:
            if at_once:
                handover.put(_all_of(stream, control))
            else:
                _hand_over(stream, control, handover)
        finally:
            stream.close()
    except BaseException as error:
        handover.end(error)
    else:
        handover.end(None)


def _all_of(stream: Iterable[list[Any]], control: StreamControl) -> list[Any]:
    results: list[Any] = []
    for values in stream:
        if control.stopped:
            break
        results += values
    return results


def _hand_over(stream: Iterable[list[Any]], control: StreamControl, handover: Handover) -> None:
    if not handover.wait_for_room():
        return
    for values in stream:
        if control.stopped:
            return
        handover.put(values)
        # The task lets go of each value.
        del values
        if not handover.wait_for_room():
            return
