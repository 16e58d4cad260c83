"""A map in a job that was granted two slots has two workers; its own jobs share them.

Slow: three schedulers, one after the other

$ python a_job_of_two_slots_maps_on_two_cores.py
slots=2: 2 workers
native: 2 workers
for one job: 2 workers
"""

import os
import shutil
import tempfile
import time

import gridengine
from gridengine.schedulers import GridEngineScheduler


def meet(folder):
    open(f"{folder}/{os.getpid()}", "w").close()
    while len(os.listdir(folder)) < 2:
        time.sleep(0.01)
    return os.getpid()


def workers():
    folder = tempfile.mkdtemp()
    try:
        return len(set(gridengine.map(meet, [folder] * 2, chunksize=1)) - {os.getpid()})
    finally:
        shutil.rmtree(folder)


def asked(scheduler, **options):
    with scheduler:
        job = gridengine.Job(target=workers, scheduler=scheduler, **options)
        job.start()
        return job.result


if __name__ == "__main__":
    two = {"slots": 2, "parallel_environment": "smp"}
    print("slots=2:", asked(GridEngineScheduler(**two)), "workers")
    print("native:", asked(GridEngineScheduler(native="-pe smp 2")), "workers")
    print("for one job:", asked(GridEngineScheduler(), resources=two), "workers")
