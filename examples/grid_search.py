"""Search a grid of a model's parameters with scikit-learn, on whatever workers there are.

    python examples/grid_search.py              # this computer's cores, or the cluster
    GRIDENGINE_SCHEDULER=process python examples/grid_search.py

What scikit-learn has joblib do in parallel is done by jobs: nothing else in the program changes.
"""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import GridSearchCV
        from sklearn.svm import SVC
    except ImportError:
        print("this example needs scikit-learn: pip install scikit-learn")
        return
    import joblib

    import gridengine.compat.joblib  # noqa: F401  # has joblib know the name

    X, y = load_digits(return_X_y=True)
    grid = {"C": [0.1, 1, 10], "gamma": [0.0001, 0.001, 0.01]}
    with joblib.parallel_config("gridengine"):
        search = GridSearchCV(SVC(), grid, cv=3, n_jobs=-1).fit(X[:600], y[:600])
    print(f"best: {search.best_params_}, {search.best_score_:.1%} right")


if __name__ == "__main__":
    sys.exit(main())
