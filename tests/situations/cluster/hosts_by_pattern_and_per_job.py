"""Hosts by a pattern, and requests of single jobs that add to those of the scheduler.

$ python hosts_by_pattern_and_per_job.py
pattern ['ge-node1', 'ge-node1']
per job ['ge-node1', 'ge-node2', 'ge-node1', 'ge-node2']
"""

import socket

import gridengine
from gridengine.schedulers import GridEngineScheduler


def host(_=None):
    return socket.gethostname()


if __name__ == "__main__":
    with GridEngineScheduler(hosts="*node1") as one, GridEngineScheduler() as other:
        jobs = [
            gridengine.Job(target=host, scheduler=other, resources={"hostname": name})
            for name in ("ge-node1", "ge-node2") * 2
        ]
        for job in jobs:
            job.start()
        print("pattern", gridengine.map(host, [1, 2], scheduler=one))
        print("per job", [job.result for job in jobs])
