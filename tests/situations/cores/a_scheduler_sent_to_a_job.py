"""A scheduler that is named in a job is used there, the program's own and a new one.

On: cores

$ python a_scheduler_sent_to_a_job.py
[14, 14]
[14, 14] as many workers as asked for: [3, 3]
"""

import functools
import os

import gridengine
from gridengine.schedulers import ProcessScheduler


def square(x):
    return x * x


def on_the_same(scheduler, count):
    return sum(gridengine.map(square, range(count), scheduler=scheduler))


def on_its_own(count):
    with ProcessScheduler(3) as scheduler:
        return sum(gridengine.map(square, range(count))), scheduler.max_workers


if __name__ == "__main__":
    with ProcessScheduler(2) as scheduler:
        f = functools.partial(on_the_same, scheduler)
        print(gridengine.map(f, [4, 4], scheduler=scheduler))
        sums, workers = zip(*gridengine.map(on_its_own, [4, 4]), strict=True)
        print(list(sums), "as many workers as asked for:", list(workers))
    assert not [name for name in os.listdir(os.environ["TMPDIR"]) if "gridengine" in name]
