"""The program of docs/start/tutorial.md, shorter: python examples/percolation.py"""

import random

import gridengine

DENSITIES = [0.50, 0.55, 0.58, 0.60, 0.62, 0.65, 0.70]
SAMPLES = 40


def gets_through(density: float, size: int = 40) -> bool:
    """Fills one random lattice from above; tells whether the water reaches the bottom."""
    is_open = [[random.random() < density for _ in range(size)] for _ in range(size)]
    wet = {(0, column) for column in range(size) if is_open[0][column]}
    todo = list(wet)
    while todo:
        row, column = todo.pop()
        if row == size - 1:
            return True
        for site in (row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1):
            y, x = site
            if 0 <= y < size and 0 <= x < size and is_open[y][x] and site not in wet:
                wet.add(site)
                todo.append(site)
    return False


def main() -> None:
    inputs = [density for density in DENSITIES for _ in range(SAMPLES)]
    # On the cluster if there is one, else on this computer's cores; the numbers are the same.
    through = gridengine.map(gets_through, inputs, seed=1)
    for number, density in enumerate(DENSITIES):
        some = through[number * SAMPLES : (number + 1) * SAMPLES]
        print(f"{density:.2f} {sum(some) / SAMPLES:.2f} {'*' * sum(some)}")


if __name__ == "__main__":
    main()
