"""Asynchronous iterables as the items of a map: drawn in their loop, taken in the map's thread."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any, cast

from ..stream_control import Arrived, Arriving, StreamControl
from .deliveries import Deliveries

#: Items of an iterable that are drawn at once, at most, where they come fast.
_MOST_AT_ONCE = 256

#: Seconds in which as many are there as were asked for, if they come fast; and for which the loop
#: does nothing else.
_FAST = 0.0005


class AsyncItems(Arriving):
    """Items for a map, of iterables of which some are asynchronous: `Arriving` ones.

    As many are drawn as are asked for; more and more of those that come fast.

    Args:
        iterables: Whose items are taken together, as by ``zip``.
        control: Of the map's stream.
        loop_side: Of the loop in which they are drawn.
        ahead: Whether more may be drawn than was asked for.
    """

    def __init__(
        self,
        iterables: Iterable[Iterable[Any] | AsyncIterable[Any]],
        control: StreamControl,
        loop_side: Deliveries,
        *,
        ahead: bool,
    ) -> None:
        self._control = control
        most = _MOST_AT_ONCE if ahead else 1
        parts: list[Iterator[Any]] = [
            _Source(each, control, loop_side, most)
            if is_async(each)
            else iter(cast("Iterable[Any]", each))
            for each in iterables
        ]
        self._sources = [part for part in parts if isinstance(part, _Source)]
        # As the builtin does, whose items may be of different numbers.
        self._items: Iterator[Any] = parts[0] if len(parts) == 1 else zip(*parts)  # noqa: B905
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to draw, in the loop, what is asked for."""
        self._tasks = [asyncio.ensure_future(source.draw()) for source in self._sources]

    def stop(self) -> None:
        """Ends that; the iterables are let go of."""
        for task in self._tasks:
            task.cancel()

    def pending(self) -> bool:
        """Tells whether nothing is there now, but something may come; asks for it, then."""
        if any(source.exhausted for source in self._sources):
            return False
        missing = [source for source in self._sources if not source.ready]
        for source in missing:
            source.want()
        return not all(source.ready for source in missing)

    def arrived(self) -> _Arrived:
        """Returns an iterator that ends where nothing is there, and goes on when something is."""
        return _Arrived(self, self._items)

    def __iter__(self) -> Iterator[Any]:
        arrived = self.arrived()
        while True:
            yield from arrived
            if not arrived.waits:
                return
            self._control.answered.get()
            if self._control.stopped:
                return


class _Arrived(Arrived):
    """Goes on after its end, unless that was the last."""

    def __init__(self, items: AsyncItems, drawn: Iterator[Any]) -> None:
        self._all = items
        self._drawn = drawn
        self.waits = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        # Before any of them is drawn: `zip` would lose what it has of the others.
        self.waits = self._all.pending()
        if self.waits:
            raise StopIteration
        return next(self._drawn)


class _Source:
    """One asynchronous iterable; an iterator of what of it is there."""

    def __init__(
        self,
        iterable: Any,
        control: StreamControl,
        loop_side: Deliveries,
        most: int,
    ) -> None:
        self._iterator = aiter(iterable)
        self._control = control
        self._loop_side = loop_side
        self._most = most
        self._items: collections.deque[Any] = collections.deque()
        self._over = False
        self._error: BaseException | None = None
        self._wanted = False
        self._asked = asyncio.Event()

    # ------------------------------------------------------------------ in the map's thread

    @property
    def ready(self) -> bool:
        """Whether it is known what comes next: an item, an error or the end."""
        return bool(self._items) or self._over

    @property
    def exhausted(self) -> bool:
        """Whether that is the end."""
        return self._over and not self._items and self._error is None

    def want(self) -> None:
        """Asks for another item, once."""
        if not self._wanted:
            self._wanted = True
            self._loop_side.add(self._asked.set)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._items:
            return self._items.popleft()
        error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    # ------------------------------------------------------------------ in the loop

    async def draw(self) -> None:
        """Draws what is asked for, until there is no more."""
        count = 1
        try:
            while True:
                await self._asked.wait()
                self._asked.clear()
                began = time.monotonic()
                await self._draw(count)
                fast = time.monotonic() - began < _FAST
                count = min(2 * count, self._most) if fast else 1
        except StopAsyncIteration:
            pass
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._over = True
            self._tell()

    async def _draw(self, count: int) -> None:
        enough = time.monotonic() + _FAST
        for _ in range(count):
            self._items.append(await anext(self._iterator))
            self._tell()
            if time.monotonic() > enough:
                # An iterable that never waits would have the loop do nothing else.
                await asyncio.sleep(0)
                enough = time.monotonic() + _FAST

    def _tell(self) -> None:
        if self._wanted:
            self._wanted = False
            self._control.look_again()


def is_async(iterable: object) -> bool:
    """Tells whether the items of an iterable are to be awaited."""
    return hasattr(type(iterable), "__aiter__")
