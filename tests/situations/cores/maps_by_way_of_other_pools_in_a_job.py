"""In a job, the processes of multiprocessing, concurrent.futures and joblib map in their turn.

Needs: joblib
Slow: pools of other libraries start, as in tests/system/test_nested_jobs.py

$ python maps_by_way_of_other_pools_in_a_job.py
multiprocessing [[0], [0, 1]] and jobs of theirs [1, 4]
concurrent.futures [[0], [0, 1]] and jobs of theirs [1, 4]
joblib [[0], [0, 1]] and jobs of theirs [1, 4]
"""

import concurrent.futures
import multiprocessing

import joblib

import gridengine


def square(x):
    return x * x


def squares(count):
    return gridengine.map(square, range(count))


def square_in_a_job(x):
    job = gridengine.Job(target=square, args=(x,))
    job.start()
    return job.result


def with_multiprocessing():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return "multiprocessing", pool.map(squares, [1, 2]), pool.map(square_in_a_job, [1, 2])


def with_futures():
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        found = [list(pool.map(f, [1, 2])) for f in (squares, square_in_a_job)]
        return "concurrent.futures", *found


def with_joblib():
    with joblib.Parallel(n_jobs=2, backend="multiprocessing") as pool:
        found = [pool(joblib.delayed(f)(x) for x in (1, 2)) for f in (squares, square_in_a_job)]
        return "joblib", *found


if __name__ == "__main__":
    for way in (with_multiprocessing, with_futures, with_joblib):
        job = gridengine.Job(target=way)
        job.start()
        name, maps, jobs = job.result
        print(name, maps, "and jobs of theirs", jobs)
