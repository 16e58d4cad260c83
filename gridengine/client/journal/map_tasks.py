"""The tasks of a map whose results are kept: calls that are done make none."""

from __future__ import annotations

import collections
import functools
import os
import pickle
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...ledger.task import Outcome, Place, Task
from ...logs import Log
from ...serialization.digests import Digests
from ...serialization.packed import Packed
from ...settings import BLOCK_BYTES
from ...states import Mode
from ..map_tasks import MapTasks
from . import journal
from .writer import KeptChunk, Scope

if TYPE_CHECKING:
    from ..call_options import CallOptions
    from .request import JournalRequest

log = Log(__name__)

#: Items that are looked up at once, at most: to look one up takes less than a microsecond.
_MOST_ITEMS = 5000

_NOWHERE = Place("", 0, "")


class KeptCalls:
    """What is known of the calls of one map, and kept of them.

    Args:
        request: The journal that was asked for.
        function: What is called.
        mode: How.
        options: What else is asked for the calls.

    Raises:
        GridEngineError: The journal cannot be used, or the function not be known again.
    """

    def __init__(
        self,
        request: JournalRequest,
        function: Callable[..., Any],
        mode: Mode,
        options: CallOptions,
    ) -> None:
        self._key = request.key
        self._mode = mode
        self._digests = Digests()
        self._unknown = False
        self._scope: Scope = request.scope(function, mode, options)
        self._journal = journal.use(request.path)
        try:
            digest = self._scope.digest
            self.results = self._journal.results(digest, numbered=options.seed is not None)
            if self.results is None and request.key is None:
                self._tell_of_others()
        except BaseException:
            journal.leave(self._journal)
            raise

    def _tell_of_others(self) -> None:
        count = self._journal.others(self._scope)
        if count:
            log.warning(
                "the journal %s has %d results of %s, but with other code or options than now: "
                "they are not used (with key= the code would not count)",
                self._journal.path, count, self._scope.name,
            )  # fmt: skip

    @property
    def known(self) -> int:
        """How many calls may be answered without being made."""
        return self.results.count if self.results is not None else 0

    @property
    def looks_up(self) -> bool:
        """Whether there may be results of calls that are yet to be made."""
        return bool(self.results)

    def keys(self, items: Sequence[Any]) -> Sequence[Any]:
        """Returns what each of some items is known by."""
        if self._key is not None:
            key = self._key
            items = [key(*item) if self._mode is Mode.STARMAP else key(item) for item in items]
        try:
            return self._digests.keys(items)
        except Exception:
            return [key for item in items for key in self._key_alone(item)]

    def _key_alone(self, item: Any) -> Sequence[Any]:
        try:
            return self._digests.keys([item])
        except Exception as error:
            if not self._unknown:
                self._unknown = True
                log.warning(
                    "calls of %s with such items as %s cannot be known again in another run: %s",
                    self._scope.name, type(item).__qualname__, error,
                )  # fmt: skip
            return [os.urandom(16)]

    def bytes_per_item(self, keys: Sequence[Any]) -> float:
        """Returns about how large items are, by the last that were looked at."""
        seen, self._digests.seen = self._digests.seen, 0
        return seen / max(1, len(keys))

    def chunk(
        self, first: int, items: Sequence[Any], keys: Sequence[Any] | None, packed: Packed | None
    ) -> KeptChunk:
        """Returns what is kept of a task's calls beside their values.

        Args:
            first: The number of the first.
            items: What they are called with.
            keys: What they are known by, None if that was not asked for yet.
            packed: The items as they were packed together, None if they were not.
        """
        if self._key is None and packed is not None:
            # Nothing but plain values, which unpack to what they were. One buffer, if they are
            # many.
            payload, frames = packed
            return KeptChunk(self._scope, self._mode, first, payload or frames[0], plain=True)
        keys = self.keys(items) if keys is None else keys
        return KeptChunk(self._scope, self._mode, first, pickle.dumps(list(keys), 5), plain=False)

    def keep(self, chunk: KeptChunk, outcome: Outcome) -> None:
        """Has an answer kept. Never blocks, nor raises an `Exception`."""
        try:
            self._journal.put(chunk, outcome)
        except Exception as error:
            # The map would never hear of the answer, or the dispatcher's thread end by it.
            log.warning("results of %s are not kept: %s", self._scope.name, error)

    def write_if_many(self) -> None:
        """Writes what has come if that is more than memory should be spent on."""
        self._journal.write_if_many()

    def close(self) -> None:
        """Waits until all that came is in the file, and lets go of it."""
        try:
            self._journal.flush()
        finally:
            journal.leave(self._journal)


class KeptMapTasks(MapTasks):
    """As `MapTasks`, but what is in the journal is answered from it, and what comes is kept.

    Args:
        kept: The journal's part.
        arguments: Those of `MapTasks`.
        options: Those of `MapTasks`.
    """

    def __init__(self, kept: KeptCalls, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept = kept
        # Items that were drawn: those of calls to be made, with their keys, and values of others.
        self._ahead: collections.deque[tuple[Sequence[Any], Sequence[Any] | None, Any]]
        self._ahead = collections.deque()
        self._look = 1
        self._ended = False
        # Of the task that is being made: what its calls are known by, and its packed items.
        self._keys: Sequence[Any] | None = None
        self._packed: Packed | None = None

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._kept.close()

    def _awaits_items(self) -> bool:
        return not self._ahead and super()._awaits_items()

    def _some(self, room: float) -> list[Task]:
        self._kept.write_if_many()
        return super()._some(room)

    def _take(self, count: int) -> Sequence[Any]:
        if not self._ahead and not self._ended:
            self._draw(count)
        while self._ahead and self._ahead[0][2] is not None:
            self._answer(self._ahead.popleft()[2])
        if not self._ahead:
            self._exhausted = self._ended
            self._keys = None
            return ()
        items, keys, _ = self._ahead.popleft()
        if len(items) > count:
            rest = None if keys is None else keys[count:]
            self._ahead.appendleft((items[count:], rest, None))
            items, keys = items[:count], None if keys is None else keys[:count]
        self._exhausted = self._ended and not self._ahead
        self._keys = keys
        return items

    def _draw(self, count: int) -> None:
        """Draws the next items, and looks up which of their calls are done."""
        looks_up = self._kept.looks_up
        if looks_up:
            room = self._buffersize - (self.fed - self.taken)
            count = int(min(max(count, self._look), room))
        items = super()._take(count)
        self._ended, self._exhausted = self._exhausted, False
        if not items:
            return
        if not looks_up:
            self._ahead.append((items, None, None))
            return
        keys = self._kept.keys(items)
        results = self._kept.results
        assert results is not None
        size = max(1, self._kept.bytes_per_item(keys), results.bytes_per_value)
        self._look = int(min(2 * self._look, _MOST_ITEMS, 1 + BLOCK_BYTES / size))
        for begin, end, values in results.split(keys, self.fed):
            self._ahead.append((items[begin:end], keys[begin:end], values))

    def _answer(self, values: list[Any]) -> None:
        """Gives out values that were there."""
        task = Task(
            self._function, self._mode, b"", name=self._function.name,
            size=len(values), first=self.fed,
        )  # fmt: skip
        task.finish(Outcome(0, len(values), b"", (), {}, 0.0, 0.0, 0, _NOWHERE))
        self.fed += len(values)
        self._running[task], self._open[task] = 0, len(values)
        if self._before is not None:
            self._before([task])
        self._answered.put((task, values, True))

    def _pack(self, items: Sequence[Any]) -> tuple[Packed, bool]:
        packed, apart = super()._pack(items)
        self._packed = None if apart else packed
        return packed, apart

    def _task(self, items: Sequence[Any]) -> Task:
        task = super()._task(items)
        chunk = self._kept.chunk(task.first, items, self._keys, self._packed)
        self._packed = None
        task.waiters = [functools.partial(self._kept_over, chunk, task)]
        task.on_outcome = functools.partial(self._kept_outcome, chunk)
        return task

    def _kept_over(self, chunk: KeptChunk, task: Task) -> None:
        if task.size == 1 and task.error is None:
            self._kept.keep(chunk, task.outcomes[-1])
        self._over(task)

    def _kept_outcome(self, chunk: KeptChunk, task: Task) -> None:
        self._kept.keep(chunk, task.outcomes[-1])
        self._has_outcome(task)
