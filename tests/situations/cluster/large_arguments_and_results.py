"""An argument of 1 GB, and results of 200 MB, over the network.

Needs: numpy
Slow: it takes the network some seconds

$ python large_arguments_and_results.py
argument: 1000000000 True
results: [200000000, 200000000] True
"""

import numpy

import gridengine


def result(number):
    return numpy.full(25_000_000, number, dtype=float)


def told(array):
    return array.nbytes, bool((array[::1000] == 7).all())


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=2) as scheduler:
        array = numpy.full(125_000_000, 7, dtype=float)
        ((size, right),) = gridengine.map(told, [array], scheduler=scheduler)
        print("argument:", size, right)
        results = gridengine.map(result, [1, 2], scheduler=scheduler)
        right = all((each == number).all() for number, each in enumerate(results, 1))
        print("results:", [each.nbytes for each in results], right)
