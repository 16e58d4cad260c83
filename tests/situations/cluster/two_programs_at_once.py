"""Two programs of one user share the slots, and neither touches the other's queue jobs.

Slow: 80 calls on 8 slots, beside each other

$ python two_programs_at_once.py 1 > one & python two_programs_at_once.py 2 > two; wait; cat one two
program 1: 40 right, on the cluster
program 2: 40 right, on the cluster
"""

import socket
import sys
import time

import gridengine


def work(x):
    time.sleep(0.05)
    return x, socket.gethostname()


if __name__ == "__main__":
    done = gridengine.map(work, range(40))
    right = sum(x == n for n, (x, _) in enumerate(done))
    where = "on the cluster" if all("node" in host for _, host in done) else "elsewhere"
    print(f"program {sys.argv[1]}: {right} right, {where}")
