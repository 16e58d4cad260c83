"""A job that asks for queue jobs of its own gets them, and is told what may come of it.

Slow: a scheduler in a job comes and goes
Site: submit-nodes

$ python a_cluster_asked_for_in_a_job.py
[0, 1, 4] in 2 other queue jobs at most: True
WARNING:gridengine...:a job has opened GridEngineScheduler(max_workers=2): it holds its own slot while ...
"""

import io
import logging
import os

import gridengine
from gridengine.schedulers import GridEngineScheduler


def square(x):
    return x * x, os.environ["JOB_ID"]


def job():
    log = io.StringIO()
    logging.basicConfig(stream=log, level=logging.WARNING)
    with GridEngineScheduler(max_workers=2) as scheduler:
        values, jobs = zip(*gridengine.map(square, range(3), scheduler=scheduler), strict=True)
    others = set(jobs) - {os.environ["JOB_ID"]}
    return list(values), 1 <= len(others) <= 2, log.getvalue()


if __name__ == "__main__":
    outer = gridengine.Job(target=job)
    outer.start()
    values, others, log = outer.result
    print(values, "in 2 other queue jobs at most:", others)
    print(log, end="")
