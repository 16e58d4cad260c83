"""A library that only some programs need is missing: what needs it says which extra brings it.

On: cores

$ python a_library_that_is_missing.py joblib
ModuleNotFoundError: gridengine.compat.joblib needs joblib, which is not installed: pip install 'gridengine[joblib]'
$ python a_library_that_is_missing.py numpy
ModuleNotFoundError: gridengine.seed_sequence() needs numpy, which is not installed: pip install 'gridengine[numpy]'
random numbers without it: [True, True]
"""

import random
import sys

import gridengine


def without(library):
    # As if it were not installed.
    sys.modules[library] = None


def seed_sequence(_):
    without("numpy")
    sys.modules.pop("numpy.random", None)
    return gridengine.seed_sequence()


def draw(_):
    return random.random()


if __name__ == "__main__":
    try:
        if sys.argv[1] == "joblib":
            without("joblib")
            import gridengine.compat.joblib
        else:
            gridengine.map(seed_sequence, range(2), seed=1)
    except ImportError as error:
        print(f"{type(error).__name__}: {error}")
    if sys.argv[1] == "numpy":
        once, again = (gridengine.map(draw, range(2), seed=1) for _ in range(2))
        print("random numbers without it:", [one == other for one, other in zip(once, again)])
