"""Libraries with threads of their own work in jobs; here the number of threads is theirs.

On: cores
Needs: numpy

$ python threads_of_blas.py
[True, True] None
$ OMP_NUM_THREADS=1 python threads_of_blas.py
[True, True] 1
"""

import os

import numpy as np

import gridengine


def product(seed):
    matrix = np.random.default_rng(seed).random((300, 300))
    return bool(np.allclose(matrix @ np.linalg.inv(matrix), np.eye(300)))


if __name__ == "__main__":
    with gridengine.schedulers.ProcessScheduler(2) as two:
        right = gridengine.map(product, [1, 2], scheduler=two)
        (threads,) = gridengine.map(os.environ.get, ["OMP_NUM_THREADS"], scheduler=two)
    print(right, threads)
