"""Sparse matrices, and functions of scipy.

On: cores
Needs: scipy
Slow: each process imports scipy

$ python scipy_sparse.py
[2.0, 8.0, 18.0] csr
[1.4142, 1.7321]
"""

import scipy.optimize
import scipy.sparse

import gridengine


def root_of(number):
    return round(scipy.optimize.brentq(lambda x: x * x - number, 0, number), 4)


if __name__ == "__main__":
    matrix = scipy.sparse.diags([1.0, 2.0, 3.0]).tocsr()
    (double,) = gridengine.map(lambda m: 2 * m @ m, [matrix])
    print([float(x) for x in double.diagonal()], double.format)
    print(gridengine.map(root_of, [2, 3]))
