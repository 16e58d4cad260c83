"""Many calls of some length run on all slots of the cluster, on both nodes.

Slow: it asks for all slots

$ python many_calls_share_the_slots.py
120 right
8 workers at most, on ['ge-node1', 'ge-node2']
"""

import os
import pathlib
import socket
import time

import gridengine


def work(x):
    # A node on which it starts late is waited for.
    pathlib.Path(f"seen-{socket.gethostname()}").touch()
    end = time.monotonic() + 30
    while len(list(pathlib.Path().glob("seen-*"))) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.2)
    return x, socket.gethostname(), os.getpid()


if __name__ == "__main__":
    done = gridengine.map(work, range(120))
    print(sum(x == n for n, (x, _, _) in enumerate(done)), "right")
    workers = {(host, pid) for _, host, pid in done}
    number = "8" if 1 < len(workers) <= 8 else len(workers)
    print(number, "workers at most, on", sorted({host for host, _ in workers}))
