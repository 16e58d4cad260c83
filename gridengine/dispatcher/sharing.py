"""Large buffers on their way to workers: they travel seldom, and are copied as little as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..serialization.packed import Function
from ..transport.shared_memory import Arena, snapshot


class Sharing:
    """Makes them ready.

    Args:
        arena: Memory that the workers see too, None if they see none.
        keep: Whether workers keep large functions for the next map: where these have a long way,
            and a worker has more than one job.
    """

    def __init__(self, arena: Arena | None, *, keep: bool) -> None:
        self._arena = arena
        self._keep = keep

    def frames(self, frames: Sequence[Any]) -> Sequence[Any]:
        """Returns frames, the large ones in memory that the workers see too, if they can."""
        if not frames:
            return frames
        return snapshot(frames) if self._arena is None else self._arena.lend_large(frames)

    def function(self, function: Function) -> Function:
        """Returns a function for a map."""
        function = function._replace(frames=self.frames(function.frames))
        if not self._keep or not function.frames:
            return function
        # Most functions have none.
        from ..serialization.content import by_content

        return by_content(function)
