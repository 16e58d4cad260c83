"""Libraries in a queue job start as many threads as it was granted slots, however they were asked for.

What the program has for itself is held to that; what was set for the queue job wins.

$ python thread_counts.py
by default              1
slots=2                 2
slots=2 of a job        2
native "-pe smp 2"      2
"-v OMP_NUM_THREADS=4"  4
$ OMP_NUM_THREADS=16 python thread_counts.py
by default              1
slots=2                 2
slots=2 of a job        2
native "-pe smp 2"      2
"-v OMP_NUM_THREADS=4"  4
$ OMP_NUM_THREADS=1 python thread_counts.py | tail -2
native "-pe smp 2"      1
"-v OMP_NUM_THREADS=4"  4
"""

import os

import gridengine
from gridengine.schedulers import GridEngineScheduler


def threads():
    return os.environ["OMP_NUM_THREADS"]


def show(what, resources=None, **options):
    with GridEngineScheduler(**options) as scheduler:
        job = gridengine.Job(target=threads, scheduler=scheduler, resources=resources)
        job.start()
        print(f"{what:23}", job.result)


if __name__ == "__main__":
    show("by default")
    show("slots=2", slots=2, parallel_environment="smp")
    show("slots=2 of a job", {"slots": 2, "parallel_environment": "smp"})
    show('native "-pe smp 2"', native="-pe smp 2")
    show('"-v OMP_NUM_THREADS=4"', native="-v OMP_NUM_THREADS=4")
