"""Libraries in a queue job start as many threads as it was granted slots, however they were asked for.

What the program has for itself is held to that; what was set for the queue job wins.

Slow: it asks for all slots, three times

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
$ OMP_NUM_THREADS=1 python thread_counts.py | tail -3
slots=2 of a job        1
native "-pe smp 2"      1
"-v OMP_NUM_THREADS=4"  4
"""

import contextlib
import os

import gridengine
from gridengine.schedulers import GridEngineScheduler

TWO = {"slots": 2, "parallel_environment": "smp"}


def threads():
    return os.environ["OMP_NUM_THREADS"]


def main():
    with contextlib.ExitStack() as stack:

        def start(resources=None, **options):
            scheduler = stack.enter_context(GridEngineScheduler(**options))
            job = gridengine.Job(target=threads, scheduler=scheduler, resources=resources)
            job.start()
            return job

        jobs = {
            "by default": start(),
            "slots=2": start(**TWO),
            "slots=2 of a job": start(TWO),
            'native "-pe smp 2"': start(native="-pe smp 2"),
            '"-v OMP_NUM_THREADS=4"': start(native="-v OMP_NUM_THREADS=4"),
        }
        for what, job in jobs.items():
            print(f"{what:23}", job.result)


if __name__ == "__main__":
    main()
