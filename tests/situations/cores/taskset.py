"""A program that may use one core has one worker; so has each that its affinity says.

On: cores

$ command -v taskset > /dev/null || { function taskset { shift 2; "$@"; }; }
> taskset -c 0 python taskset.py
True [1, 4]
"""

import os
import sys

import gridengine


def cores(x):
    return len(os.sched_getaffinity(0)) == 1


if __name__ == "__main__":
    workers = gridengine.schedulers.ProcessScheduler().max_workers
    if sys.platform != "linux":
        workers = 1  # Linux alone has affinities.
    elif not all(gridengine.map(cores, [1, 2])):
        workers = "a worker has more cores"
    print(workers == 1 or workers, gridengine.map(lambda x: x * x, [1, 2]))
