"""The program: it is `__main__`, and a module of the package."""

import gridengine

from .prices import PRICES


def line(fruit):
    from .prices import PRICES as SAME

    assert SAME == PRICES
    return f"{fruit}: {2 * PRICES[fruit]:.2f}"


if __name__ == "__main__":
    print(gridengine.map(line, sorted(PRICES)))
