"""The workers of multiprocessing's pools, forked and spawned, map in their turn.

On: cores
Slow: pools of other libraries start

$ python maps_in_workers_of_multiprocessing.py
[[0], [0, 1], [0, 1, 4]]
[[0], [0, 1], [0, 1, 4]]
[[0], [0, 1], [0, 1, 4]]
"""

import concurrent.futures
import multiprocessing

import gridengine


def square(x):
    return x * x


def squares(count):
    with gridengine.schedulers.ProcessScheduler(1) as scheduler:
        return gridengine.map(square, range(count), scheduler=scheduler)


if __name__ == "__main__":
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(pool.map(squares, [1, 2, 3]))
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        print(list(executor.map(squares, [1, 2, 3])))
