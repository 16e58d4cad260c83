"""A pool without a batch system, and what is known of a map whose folder was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..queue_map_reduce.debug import list_ids, make_summary

__all__ = ["SerialPool", "list_ids", "make_summary"]


class SerialPool:
    """Maps in this process, one call after the other.

    Args:
        verbose: Whether each is printed.
    """

    def __init__(self, verbose: bool = True) -> None:
        self.verbose = verbose

    def map(self, func: Callable[[Any], Any], iterable: Iterable[Any]) -> list[Any]:
        """Returns what ``func`` makes of each element."""
        tasks = list(iterable)
        results = []
        for number, task in enumerate(tasks):
            if self.verbose:
                print(f"SerialPool compute {number} of {len(tasks)}")  # noqa: T201  # asked for
            results.append(func(task))
        return results
