"""Results as they come, of inputs without end: python examples/imap.py

Counts primes in one stretch of numbers after the other, on all cores or on the cluster, until
there are enough.
"""

import itertools

import gridengine

STRETCH = 5_000


def primes(begin: int) -> list[int]:
    """Returns the primes of one stretch: a stand-in for what takes you minutes."""
    numbers = range(max(2, begin), begin + STRETCH)
    return [n for n in numbers if all(n % d for d in range(2, int(n**0.5) + 1))]


def main() -> None:
    # Nobody knows how many stretches it takes: imap draws them only a little ahead of the workers.
    begins = itertools.count(step=STRETCH)
    found: list[int] = []
    for some in gridengine.imap(primes, begins):
        if not found:
            print(f"the first ten: {some[:10]}")
        found += some
        if len(found) >= 5_000:
            # What runs ahead of this is taken back.
            break
    print(f"the 5,000th: {found[4_999]}")

    # The shortest first, whoever that is: imap_unordered.
    for length in gridengine.imap_unordered(len, ["some", "words", "here"]):
        print(f"a word of {length} letters")


if __name__ == "__main__":
    main()
