"""A call that fails somewhere, run again here with the arguments that it had.

Run it as it is, or with ``GRIDENGINE_SCHEDULER=inline``. At a prompt, a debugger would follow:
``pdb.runcall(gridengine.replay, error)``.
"""

from __future__ import annotations

import os

import gridengine


def mean(numbers: list[float]) -> float:
    """Returns the mean, and fails for no numbers."""
    print(f"mean of {numbers}", flush=True)
    return sum(numbers) / len(numbers)


def main() -> None:
    """Finds the call that fails, and runs it again."""
    means = gridengine.map(mean, [[1.0, 2.0], [], [4.0]], reraise=False)
    for error in filter(gridengine.raised, means):
        try:
            gridengine.replay(error)
        except ZeroDivisionError as again:
            print(f"fails in process {os.getpid()}, too: {again}")


if __name__ == "__main__":
    main()
