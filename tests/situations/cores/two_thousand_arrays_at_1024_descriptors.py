"""Two thousand arrays are mapped in a program that may have 1,024 files open, and it may open more.

On: cores
Needs: numpy
Slow: two thousand arrays

$ ulimit -n 1024; python two_thousand_arrays_at_1024_descriptors.py
right: 2000
files can be opened: 200
"""

import numpy

import gridengine


def row(number):
    return numpy.full(40_000, number)


if __name__ == "__main__":
    arrays = gridengine.map(row, range(2000))
    print("right:", sum(bool((array == n).all()) for n, array in enumerate(arrays)))
    print("files can be opened:", len([open("/dev/null") for _ in range(200)]))
