"""Functions that numba has compiled, as jobs and called by jobs.

On: cores
Needs: numba
Slow: each process compiles

$ python numba_functions.py
[5.0, 25.0] [6.0, 26.0]
"""

import numba

import gridengine


@numba.njit
def squares(x, y):
    return x * x + y * y


def plus_one(x, y):
    return squares(x, y) + 1


if __name__ == "__main__":
    numbers = [1.0, 3.0], [2.0, 4.0]
    print(gridengine.map(squares, *numbers), gridengine.map(plus_one, *numbers))
