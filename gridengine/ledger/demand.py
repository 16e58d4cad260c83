"""When more queue jobs are asked for, and when some of those that wait are too many.

Tasks come one after the other, and so do the needs for workers; to a batch system an array is one
request, and each further one is a burden to it and to whoever reads the queue.
"""

from __future__ import annotations

import math
from collections.abc import Set

#: Seconds for which a need must not have grown before it is told the batch system: long against
#: the 0.1 ms in which a program makes a task, short against the second in which a queue job starts.
_QUIET = 0.05

#: Seconds after which it is told though it grows.
_PATIENCE = 0.5


class _Need:
    """Queue jobs of a kind that are needed, and not asked for.

    Attributes:
        count: How many.
        since: When the first of them was.
        grown: When the last of them was.
    """

    def __init__(self, now: float) -> None:
        self.count = 0
        self.since = self.grown = now

    @property
    def due(self) -> float:
        """When it is to be told."""
        return min(self.grown + _QUIET, self.since + _PATIENCE)


class Demand:
    """Has needs wait until they are all there, and surpluses until they are no passing ones.

    Args:
        gather: Whether needs wait at all.
        patience: Seconds that a surplus must have lasted.
    """

    def __init__(self, *, gather: bool, patience: float) -> None:
        self._gather = gather
        self._patience = patience
        self._needs: dict[int, _Need] = {}
        # Since when there is a surplus of a kind, and the least that it was.
        self._surpluses: dict[int, tuple[float, int]] = {}

    def is_told(self, kind: int, count: int, now: float) -> bool:
        """Event: ``count`` queue jobs are needed; tells whether to ask for them now."""
        if count <= 0:
            self._needs.pop(kind, None)
            return False
        if not self._gather:
            return True
        need = self._needs.setdefault(kind, _Need(now))
        if count > need.count:
            need.grown = now
        need.count = count
        if now < need.due:
            return False
        del self._needs[kind]
        return True

    def is_only_of(self, kinds: Set[int]) -> None:
        """Event: nothing is needed of any other kind."""
        for kind in self._needs.keys() - kinds:
            del self._needs[kind]

    def due(self) -> float:
        """Returns when `is_told` must be asked again."""
        return min((need.due for need in self._needs.values()), default=math.inf)

    def superfluous(self, kind: int, surplus: int, now: float) -> int:
        """Event: so many more queue jobs of a kind wait than are needed.

        Returns:
            How many of them have not been needed for long.
        """
        if surplus <= 0:
            self._surpluses.pop(kind, None)
            return 0
        since, least = self._surpluses.get(kind, (now, surplus))
        self._surpluses[kind] = since, min(least, surplus)
        if now - since < self._patience:
            return 0
        return self._surpluses.pop(kind)[1]
