"""A quota of the site (two slots for each user) is kept to: the rest waits for its turn.

Needs: root

$ printf '{\\n name two\\n description NONE\\n enabled TRUE\\n limit users {*} to slots=2\\n}\\n' > two
> qconf -Arqs two &> log; python a_resource_quota.py 2>> log || cat log; qconf -drqs two &> log
20 right, 2 workers at most
"""

import os
import socket
import time

import gridengine


def work(x):
    time.sleep(0.1)
    return x, socket.gethostname(), os.getpid()


if __name__ == "__main__":
    done = gridengine.map(work, range(20), chunksize=1)
    workers = {(host, pid) for _, host, pid in done}
    right = sum(x == n for n, (x, _, _) in enumerate(done))
    print(right, "right,", "2" if len(workers) <= 2 else len(workers), "workers at most")
