"""A scheduler that was closed may be used again; two at once are two; one may be left open.

On: cores, cluster

$ python schedulers_come_and_go.py
closed, and used again: [1, 4] [1, 8]
two at once: 2 True
one that nobody closes: [1, 4]
"""

import os

import gridengine
from gridengine.schedulers import ProcessScheduler


def square(x):
    return x * x


def main():
    scheduler = ProcessScheduler(1)
    squares = gridengine.map(square, [1, 2], scheduler=scheduler)
    scheduler.close()
    scheduler.close()
    with scheduler:
        cubes = gridengine.map(lambda x: x**3, [1, 2], scheduler=scheduler)
    print("closed, and used again:", squares, cubes)
    with ProcessScheduler(1) as one, ProcessScheduler(1) as two:
        pids = []
        for each in (one, two, one, two):
            job = gridengine.Job(target=os.getpid, scheduler=each)
            job.start()
            pids.append(job.result)
    print("two at once:", len(set(pids)), pids[:2] == pids[2:])
    print("one that nobody closes:", gridengine.map(square, [1, 2], scheduler=ProcessScheduler(1)))


if __name__ == "__main__":
    main()
