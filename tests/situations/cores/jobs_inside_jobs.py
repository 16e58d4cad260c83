"""Jobs that a job starts: waited for, as a process waits for its own, and as a program does.

$ python jobs_inside_jobs.py
with result: 49
the job is over, and so is what it has started and not joined: True
so in a map: [True, True, True]
in a thread of a job: 49
three levels: ['job', 'job', 'job', 'end']
"""

import os
import sys
import threading
import time

import gridengine


def square(x):
    return x * x


def write_later(path):
    time.sleep(0.5)
    open(path, "w").close()


def start_and_leave(path):
    gridengine.Job(target=write_later, args=(path,)).start()
    return path


def run(target, *args):
    job = gridengine.Job(target=target, args=args)
    job.start()
    return job.result


def in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(run(square, 7)))
    thread.start()
    thread.join()
    return found[0]


def levels(depth):
    return ["job", *run(levels, depth - 1)] if depth else ["end"]


if __name__ == "__main__":
    here = os.getcwd()
    print("with result:", run(run, square, 7))
    path = run(start_and_leave, f"{here}/one")
    done = os.path.exists(path)
    print("the job is over, and so is what it has started and not joined:", done)
    paths = gridengine.map(start_and_leave, [f"{here}/{name}" for name in "abc"])
    print("so in a map:", [os.path.exists(path) for path in paths])
    print("in a thread of a job:", run(in_a_thread))
    print("three levels:", run(levels, 3))
    sys.exit()
