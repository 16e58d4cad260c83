"""The process that speaks to the qmaster is killed: a new one takes its place, no work is lost.

Slow: another takes its place

$ python the_session_process_is_killed.py 2> said || cat said
killed
40 right
[1, 4]
"""

import os
import signal
import threading
import time

import psutil

import gridengine


def work(x):
    time.sleep(0.1)
    return x


def kill():
    while not os.path.exists("started"):
        time.sleep(0.02)
    for child in psutil.Process().children(recursive=True):
        if any("queue_session" in word for word in child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
            print("killed", flush=True)


def begin(x):
    open("started", "w").close()
    return work(x)


if __name__ == "__main__":
    threading.Thread(target=kill).start()
    with gridengine.schedulers.GridEngineScheduler(max_workers=4) as scheduler:
        done = gridengine.map(begin, range(40), scheduler=scheduler, chunksize=1)
        print(sum(x == n for n, x in enumerate(done)), "right")
        print(gridengine.map(lambda x: x * x, [1, 2], scheduler=scheduler))
