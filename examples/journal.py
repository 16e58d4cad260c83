"""A run that goes on where it was killed: python examples/journal.py; press Ctrl-C, run it again.

What is done is in run.journal, and is not done again; remove that file to begin anew.
"""

import time

import gridengine


def slow(x: int) -> int:
    """Returns a square, after a while."""
    time.sleep(0.1)
    return x * x


def main() -> None:
    began = time.monotonic()
    squares = gridengine.map(slow, range(100), journal="run.journal", progress=True)
    print(f"{sum(squares)} after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
