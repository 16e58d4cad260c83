"""Which tasks come into one file, and one queue job."""

from __future__ import annotations


def assign_tasks_to_chunks(num_tasks: int, num_chunks: int | None) -> list[list[int]]:
    """Returns the numbers of the tasks in each chunk, neighbours together.

    Args:
        num_tasks: How many tasks there are.
        num_chunks: How many chunks at most; None for one task in each.

    Raises:
        AssertionError: ``num_chunks`` is less than 1.
    """
    if num_chunks is None:
        return of_size(num_tasks, 1)
    # What programs written for the predecessors may expect.
    assert num_chunks > 0, f"num_chunks is {num_chunks}; it takes at least 1"
    return of_size(num_tasks, -(-num_tasks // num_chunks))


def of_size(num_tasks: int, chunksize: int) -> list[list[int]]:
    """Returns the same for chunks of ``chunksize`` tasks each, the last one perhaps of fewer."""
    step = max(1, chunksize)
    return [list(range(lo, min(lo + step, num_tasks))) for lo in range(0, num_tasks, step)]
