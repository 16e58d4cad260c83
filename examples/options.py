"""Estimates pi by seeded random numbers, with calls that may fail, hang or be lost.

The same numbers come out on one core, on a hundred, and however often calls are tried again::

    python options.py
"""

import random

import gridengine


def hits(attempt: int) -> int:
    """Counts the points of a square that lie in the circle."""
    return sum(random.random() ** 2 + random.random() ** 2 < 1 for _ in range(20_000))


if __name__ == "__main__":
    counted = gridengine.map(
        hits,
        range(20),
        seed=1,
        retries=2,
        retry_on=(OSError, gridengine.JobTimeout),
        timeout_per_call=60,
        env={"OMP_NUM_THREADS": "1"},
    )
    print(f"pi is about {4 * sum(counted) / (20 * 20_000):.4f}")
