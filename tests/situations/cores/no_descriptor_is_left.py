"""A program that has as many files open as it may have gets an error at once, or its values.

On: cores

$ python no_descriptor_is_left.py 2>warnings
with 1 left: an error
with 6 left: an error
with 30 left: [0, 2, 4]
and when they are closed: [0, 2, 4]
at most 10 seconds each: True
$ python no_descriptor_is_left.py started 2>warnings
with 1 left: [0, 2, 4]
with 6 left: [0, 2, 4]
with 30 left: [0, 2, 4]
and when they are closed: [0, 2, 4]
at most 10 seconds each: True
"""

import os
import resource
import sys
import time

import gridengine


def double(x):
    return 2 * x


def attempt(scheduler):
    try:
        return gridengine.map(double, range(3), scheduler=scheduler)
    except (OSError, gridengine.SchedulerError) as error:
        return "an error" if "Too many open files" in str(error) else error


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    seconds = []
    for left in (1, 6, 30):
        scheduler = gridengine.schedulers.ProcessScheduler(2)
        if sys.argv[1:] == ["started"]:
            attempt(scheduler)
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            for _ in range(left):
                os.close(held.pop())
        begin = time.monotonic()
        print(f"with {left} left:", attempt(scheduler))
        seconds.append(time.monotonic() - begin)
        for descriptor in held:
            os.close(descriptor)
        scheduler.close()
    print("and when they are closed:", attempt(gridengine.schedulers.ProcessScheduler(2)))
    print("at most 10 seconds each:", max(seconds) < 10)
