"""A site may limit the tasks of an array: what is more is submitted in several.

Needs: root

$ limit() { sed "s/^max_aj_tasks .*/max_aj_tasks $1/" before > global; qconf -Mconf global &> log; }
> qconf -sconf > before; limit 3; python limits_of_arrays.py; limit 75000
24 right, on more than 3 workers: True
"""

import os
import socket
import time

import gridengine


def work(x):
    time.sleep(0.3)
    return x, socket.gethostname(), os.getpid()


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=6) as scheduler:
        done = gridengine.map(work, range(24), scheduler=scheduler, chunksize=1)
    workers = {(host, pid) for _, host, pid in done}
    right = sum(x == n for n, (x, _, _) in enumerate(done))
    print(right, "right, on more than 3 workers:", len(workers) > 3)
