"""The chunks that wait for a worker, by the kind of worker that they need."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable

from .records import Chunk
from .stray_chunk import strayed
from .task import Task


class Queue:
    """The chunks of one kind, the next one first.

    What is cancelled stays where it is until its turn comes, or half of all is such: to look for
    it each time would make many cancellations take the square of their number.

    Attributes:
        chunks: They.
        calls: How many calls are in those that are wanted.
        cancelled: Tasks of which some chunks may be in it that are not wanted.
        strays: How many calls wait here of those tasks the others of which wait elsewhere.
    """

    __slots__ = ("calls", "cancelled", "chunks", "strays")

    def __init__(self) -> None:
        self.chunks: collections.deque[Chunk] = collections.deque()
        self.calls = 0
        self.cancelled = 0
        self.strays: dict[Task, int] = {}

    def head(self) -> Chunk | None:
        """Returns the next chunk that is wanted, None if there is none."""
        chunks = self.chunks
        if self.cancelled:
            while chunks and not chunks[0].task.wanted:
                chunks.popleft()
        if not chunks:
            self.cancelled = 0
            return None
        return chunks[0]

    def cancel(self, task: Task) -> None:
        """Notes that a task of which some calls may wait here is not wanted any more."""
        if not task.waiting:
            return
        self.calls -= task.waiting
        task.waiting = 0
        self.cancelled += 1
        if 2 * self.cancelled > len(self.chunks):
            self.purge()

    def cancel_strays(self, task: Task) -> None:
        """As `cancel`, of a task of another kind."""
        calls = self.strays.pop(task, 0)
        if calls:
            self.calls -= calls
            self.cancelled += 1

    def handed_out(self, chunk: Chunk) -> None:
        """Notes that a stray does not wait any more."""
        calls = self.strays[chunk.task] - (chunk.hi - chunk.lo)
        if calls:
            self.strays[chunk.task] = calls
        else:
            del self.strays[chunk.task]

    def purge(self) -> None:
        """Removes what is not wanted."""
        self.chunks = collections.deque(c for c in self.chunks if c.task.wanted)
        self.cancelled = 0


class Queues:
    """A queue for each kind.

    Attributes:
        of_kind: They.
    """

    def __init__(self) -> None:
        self.of_kind: dict[int, Queue] = {}

    def of(self, kind: int) -> Queue:
        """Returns the queue of a kind."""
        queue = self.of_kind.get(kind)
        if queue is None:
            queue = self.of_kind[kind] = Queue()
        return queue

    def add(self, chunk: Chunk) -> None:
        """Queues a new chunk."""
        queue = self.of_kind.get(chunk.task.kind) or self.of(chunk.task.kind)
        queue.chunks.append(chunk)
        calls = chunk.hi - chunk.lo
        queue.calls += calls
        chunk.task.waiting = calls

    def put_back(self, chunks: Iterable[Chunk]) -> None:
        """Queues chunks again, before all others: they have waited longest."""
        for chunk in reversed(list(chunks)):
            self.of(chunk.kind).chunks.appendleft(chunk)
            self._count(chunk)

    def move(self, before: int, after: int, wanted: Callable[[Task], bool]) -> None:
        """Has the chunks of some tasks wait for workers of another kind, behind theirs."""
        source, target = self.of(before), self.of(after)
        moved = [chunk for chunk in source.chunks if chunk.task.wanted and wanted(chunk.task)]
        self.remove(before, moved)
        for chunk in moved:
            stray = strayed(chunk, after, chunk.tried)
            target.chunks.append(stray)
            self._count(stray)

    def remove(self, kind: int, chunks: list[Chunk]) -> None:
        """Has chunks that are wanted, and wait for workers of a kind, wait no more."""
        if not chunks:
            return
        queue, gone = self.of(kind), set(chunks)
        queue.chunks = collections.deque(chunk for chunk in queue.chunks if chunk not in gone)
        for chunk in chunks:
            calls = chunk.hi - chunk.lo
            queue.calls -= calls
            if chunk.task.kind == kind:
                chunk.task.waiting -= calls
            else:
                queue.handed_out(chunk)

    def withdraw(self, task: Task) -> None:
        """Notes that a task is not wanted any more, wherever calls of it wait."""
        self.of(task.kind).cancel(task)
        if task.requests is not None:
            for queue in self.of_kind.values():
                queue.cancel_strays(task)

    def _count(self, chunk: Chunk) -> None:
        queue, task, calls = self.of_kind[chunk.kind], chunk.task, chunk.hi - chunk.lo
        queue.calls += calls
        if chunk.kind == task.kind:
            task.waiting += calls
        else:
            queue.strays[task] = queue.strays.get(task, 0) + calls

    def tasks(self, kind: int | None = None) -> list[Task]:
        """Returns the tasks of all chunks that wait, or of those of a kind, each once."""
        queues = self.of_kind.values() if kind is None else [self.of(kind)]
        every = dict.fromkeys(chunk.task for queue in queues for chunk in queue.chunks)
        return [task for task in every if task.wanted]
