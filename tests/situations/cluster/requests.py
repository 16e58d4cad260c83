"""Requests reach the batch system: queue, project, host, slots, time, memory, priority.

$ python requests.py
ge-node2 all.q 2
h_rt=600 True h_vmem=2G True range: 2 True research True -5 True
address space: 4.0 GB of 2 slots
"""

import os
import resource
import socket
import subprocess

import gridengine


def look(_):
    space = resource.getrlimit(resource.RLIMIT_AS)[0] / 2**30
    return socket.gethostname(), [os.environ[name] for name in ("JOB_ID", "QUEUE", "NSLOTS")], space


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(
        queue="all.q",
        project="research",
        hosts="ge-node2",
        slots=2,
        parallel_environment="smp",
        h_rt="00:10:00",
        h_vmem="2G",
        native="-p -5",
    ) as scheduler:
        ((host, (job, queue, slots), space),) = gridengine.map(look, [1], scheduler=scheduler)
        told = subprocess.run(["qstat", "-j", job], capture_output=True, text=True).stdout
        print(host, queue, slots)
        for word in ("h_rt=600", "h_vmem=2G", "range: 2", "research", "-5"):
            print(word, word in told, end=" \n"[word == "-5"])
        print(f"address space: {space:.1f} GB of 2 slots")
