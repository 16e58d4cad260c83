"""Jobs may use multiprocessing and concurrent.futures themselves.

On: cores, cluster

$ python other_pools_inside_jobs.py
fork [0, 1, 4]
spawn [0, 1, 4]
executor [0, 1, 4]
threads [0, 1, 4]
process 0
"""

import concurrent.futures
import math
import multiprocessing

import gridengine


def square(x):
    return int(math.pow(x, 2))


def pool(method):
    # Its workers get functions by name: they must be of a module, or these workers be forked.
    with multiprocessing.get_context(method).Pool(2) as workers:
        if method == "fork":
            return method, workers.map(square, range(3))
        return method, [int(x) for x in workers.starmap(math.pow, [(0, 2), (1, 2), (2, 2)])]


def executor():
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as workers:
        return "executor", list(workers.map(square, range(3)))


def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        return "threads", list(workers.map(square, range(3)))


def process():
    child = multiprocessing.get_context("fork").Process(target=square, args=(3,))
    child.start()
    child.join()
    return "process", child.exitcode


if __name__ == "__main__":
    for call in (
        gridengine.partial(pool, "fork"),
        gridengine.partial(pool, "spawn"),
        executor,
        threads,
        process,
    ):
        job = gridengine.Job(target=call)
        job.start()
        print(*job.result)
