"""Maps within maps: as many processes as workers were asked for, and two for their sake.

Beside the program and the workers there are a supervisor and its reaper. Before, it was 91 for 8.

On: cores
Needs: psutil

$ python nested_maps_do_not_multiply_processes.py
2 workers, with the program at most 5 processes: True
4 workers, with the program at most 7 processes: True
8 workers, with the program at most 11 processes: True
"""

import os
import time

import psutil

import gridengine
from gridengine.schedulers import ProcessScheduler


def inner(x):
    time.sleep(0.01)
    return x * x


def outer(program):
    values = gridengine.map(inner, range(10))
    assert values == [x * x for x in range(10)]
    return 1 + len(psutil.Process(program).children(recursive=True))


if __name__ == "__main__":
    for workers in (2, 4, 8):
        with ProcessScheduler(workers) as scheduler:
            seen = gridengine.map(outer, [os.getpid()] * workers, scheduler=scheduler)
        most = workers + 3
        print(f"{workers} workers, with the program at most {most} processes: {max(seen) <= most}")
