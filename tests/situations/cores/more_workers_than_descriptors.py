"""A scheduler with more workers than the program may have files open works with those it can have.

On: cores

$ ulimit -n 64; python more_workers_than_descriptors.py 2>warnings
right: True
files can be opened: 5
$ grep -o "Too many open files" warnings | sort -u
Too many open files
"""

import time

import gridengine


def slowly(x):
    time.sleep(0.02)
    return 2 * x


if __name__ == "__main__":
    scheduler = gridengine.schedulers.ProcessScheduler(100)
    values = gridengine.map(slowly, range(500), scheduler=scheduler)
    print("right:", values == [2 * x for x in range(500)])
    print("files can be opened:", len([open("/dev/null") for _ in range(5)]))
