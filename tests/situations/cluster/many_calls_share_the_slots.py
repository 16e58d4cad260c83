"""Many calls of some length run on all slots of the cluster, on both nodes.

$ python many_calls_share_the_slots.py
120 right
8 workers at most, on ['ge-node1', 'ge-node2']
"""

import os
import socket
import time

import gridengine


def work(x):
    time.sleep(0.2)
    return x, socket.gethostname(), os.getpid()


if __name__ == "__main__":
    done = gridengine.map(work, range(120))
    print(sum(x == n for n, (x, _, _) in enumerate(done)), "right")
    workers = {(host, pid) for _, host, pid in done}
    number = "8" if 1 < len(workers) <= 8 else len(workers)
    print(number, "workers at most, on", sorted({host for host, _ in workers}))
