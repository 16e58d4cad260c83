"""Jobs may use joblib, as scikit-learn does.

On: cores
Needs: joblib
Slow: joblib starts, as in tests/compat/test_joblib.py

$ python joblib_inside_jobs.py
[[0.0, 1.0], [1.0, 2.0]]
"""

import math

import joblib

import gridengine


def roots(first):
    with joblib.Parallel(n_jobs=2) as parallel:
        return parallel(joblib.delayed(math.sqrt)(x * x) for x in (first, first + 1))


if __name__ == "__main__":
    print(gridengine.map(roots, [0, 1]))
