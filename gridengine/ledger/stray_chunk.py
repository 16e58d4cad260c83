"""Calls that are not to be run by workers of their task's kind."""

from __future__ import annotations

from .records import Chunk
from .task import Task


class StrayChunk(Chunk):
    """A chunk that workers of its task's kind had too little for, or more than is needed.

    It is apart from the common one, of which there is one for each job, and which is the smaller
    for it.
    """

    __slots__ = ("kind", "tried")

    kind: int

    def __init__(self, task: Task, lo: int, hi: int, kind: int, tried: tuple[int, ...]) -> None:
        super().__init__(task, lo, hi)
        self.kind, self.tried = kind, tried

    def part(self, lo: int, hi: int) -> Chunk:
        """As of any chunk."""
        return self.with_past(StrayChunk(self.task, lo, hi, self.kind, self.tried))


def strayed(chunk: Chunk, kind: int, tried: tuple[int, ...]) -> Chunk:
    """Returns a new chunk for the same calls, to be run by workers of another kind."""
    return chunk.with_past(StrayChunk(chunk.task, chunk.lo, chunk.hi, kind, tried))
