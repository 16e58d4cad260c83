"""How far is it? python examples/progress.py

Throws darts at a circle, on all cores or on the cluster, and shows how many throws are done. Needs
tqdm: pip install 'gridengine[progress]'.
"""

import random

import gridengine

THROWS = 50_000


def hits(seed: int) -> int:
    """Returns how many darts of one player hit the circle."""
    throw = random.Random(seed).random
    return sum(throw() ** 2 + throw() ** 2 <= 1 for _ in range(THROWS))


def main() -> None:
    players = range(40)
    total = 0
    # The bar stands below the lines of the program, and stays at its end.
    for hit in gridengine.imap_unordered(hits, players, progress="throwing darts"):
        total += hit
    print(f"pi is about {4 * total / (THROWS * len(players)):.3f}")


if __name__ == "__main__":
    main()
