"""The pieces that wait for a worker, by the kind of worker that they need. Pure."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable

from .records import Piece
from .task import Ticket


class Waiting:
    """A queue for each kind.

    Attributes:
        queues: The pieces of each kind, the next one first.
        calls: How many calls are in them.
    """

    def __init__(self) -> None:
        self.queues: dict[int, collections.deque[Piece]] = {}
        self.calls: collections.Counter[int] = collections.Counter()

    def of(self, kind: int) -> collections.deque[Piece]:
        """Returns the queue of a kind."""
        queue = self.queues.get(kind)
        if queue is None:
            queue = self.queues[kind] = collections.deque()
        return queue

    def add(self, piece: Piece) -> None:
        """Queues a new piece."""
        kind = piece.ticket.kind
        (self.queues.get(kind) or self.of(kind)).append(piece)
        self.calls[kind] += piece.hi - piece.lo

    def put_back(self, pieces: Iterable[Piece]) -> None:
        """Queues pieces again, before all others: they have waited longest."""
        for piece in reversed(list(pieces)):
            kind = piece.ticket.kind
            self.of(kind).appendleft(piece)
            self.calls[kind] += piece.hi - piece.lo

    def remove(self, kind: int, unwanted: Callable[[Ticket], bool]) -> list[Ticket]:
        """Removes the pieces of some tickets of a kind; returns these, each once, in order."""
        queue = self.of(kind)
        kept = [piece for piece in queue if not unwanted(piece.ticket)]
        removed = [piece for piece in queue if unwanted(piece.ticket)]
        self.calls[kind] -= sum(piece.hi - piece.lo for piece in removed)
        queue.clear()
        queue.extend(kept)
        return list(dict.fromkeys(piece.ticket for piece in removed))

    def tickets(self) -> list[Ticket]:
        """Returns the tickets of all pieces."""
        return [piece.ticket for queue in self.queues.values() for piece in queue]
