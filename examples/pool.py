"""Counts primes as a program for `multiprocessing.Pool` does, on any scheduler.

Run it with ``python examples/pool.py``: on the cluster if there is one, else on the cores.
"""

import sys

import gridengine


def is_prime(number: int) -> bool:
    """Tells whether a number is a prime."""
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def count_primes(begin: int, end: int) -> int:
    """Returns how many primes there are from ``begin`` to ``end`` (not included)."""
    return sum(map(is_prime, range(begin, end)))


def main() -> None:
    """Counts them in three ways."""
    # The only line that is another than with multiprocessing.
    with gridengine.Pool(2) as pool:
        parts = [(begin, begin + 1000) for begin in range(0, 10_000, 1000)]
        in_parts = pool.starmap_async(count_primes, parts)
        one_by_one = sum(pool.imap_unordered(is_prime, range(10_000), chunksize=500))
        at_once = sum(pool.map(is_prime, range(10_000)))
        sys.stdout.write(f"primes: {at_once}, {one_by_one}, {sum(in_parts.get())}\n")


if __name__ == "__main__":
    main()
