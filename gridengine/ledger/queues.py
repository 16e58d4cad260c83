"""The chunks that wait for a worker, by the kind of worker that they need. Pure."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable

from .records import Chunk
from .task import Task


class Queues:
    """A queue for each kind.

    Attributes:
        queues: The chunks of each kind, the next one first.
        calls: How many calls are in them.
    """

    def __init__(self) -> None:
        self.queues: dict[int, collections.deque[Chunk]] = {}
        self.calls: collections.Counter[int] = collections.Counter()

    def of(self, kind: int) -> collections.deque[Chunk]:
        """Returns the queue of a kind."""
        queue = self.queues.get(kind)
        if queue is None:
            queue = self.queues[kind] = collections.deque()
        return queue

    def add(self, chunk: Chunk) -> None:
        """Queues a new chunk."""
        kind = chunk.task.kind
        (self.queues.get(kind) or self.of(kind)).append(chunk)
        self.calls[kind] += chunk.hi - chunk.lo

    def put_back(self, chunks: Iterable[Chunk]) -> None:
        """Queues chunks again, before all others: they have waited longest."""
        for chunk in reversed(list(chunks)):
            kind = chunk.task.kind
            self.of(kind).appendleft(chunk)
            self.calls[kind] += chunk.hi - chunk.lo

    def remove(self, kind: int, unwanted: Callable[[Task], bool]) -> list[Task]:
        """Removes the chunks of some tasks of a kind; returns these, each once, in order."""
        queue = self.of(kind)
        kept = [chunk for chunk in queue if not unwanted(chunk.task)]
        removed = [chunk for chunk in queue if unwanted(chunk.task)]
        self.calls[kind] -= sum(chunk.hi - chunk.lo for chunk in removed)
        queue.clear()
        queue.extend(kept)
        return list(dict.fromkeys(chunk.task for chunk in removed))

    def tasks(self) -> list[Task]:
        """Returns the tasks of all chunks."""
        return [chunk.task for queue in self.queues.values() for chunk in queue]
