"""qdel of the queue job in which a map of a map runs: no queue job and no process is left of it.

Slow: waits out an end
Site: submit-nodes

$ python a_nested_map_is_deleted_with_its_queue_job.py
queue jobs while it runs: 1
deleted: JobDied
of its processes there are left: 0
queue jobs after it: 0
"""

import os
import subprocess
import time

# Else it is submitted again.
os.environ["GRIDENGINE_INFRASTRUCTURE_RETRIES"] = "0"

import gridengine
from gridengine.schedulers import GridEngineScheduler


def count():
    queue = subprocess.run(["qstat"], capture_output=True, text=True).stdout
    return max(0, len(queue.splitlines()) - 2)


def forever(path):
    with open(f"{path}.new", "w") as file:
        file.write(f"{os.environ['JOB_ID']}.{os.environ['SGE_TASK_ID']}")
    os.rename(f"{path}.new", path)
    time.sleep(600)


def nested(path):
    # A process of the standard library, and a job, are not to outlive it either.
    subprocess.Popen(["sleep", "617"], start_new_session=True)
    gridengine.Job(target=time.sleep, args=(617,)).start()
    gridengine.map(forever, [path])


def left():
    found = subprocess.run(["pgrep", "-fc", "sleep 617"], capture_output=True, text=True).stdout
    return int(found)


if __name__ == "__main__":
    path = os.path.abspath("running")
    with GridEngineScheduler(max_workers=1) as scheduler:
        job = gridengine.Job(target=nested, args=(path,), scheduler=scheduler, retries=0)
        job.start()
        while not os.path.exists(path):
            time.sleep(0.05)
        print("queue jobs while it runs:", count())
        with open(path) as file:
            task, _, number = file.read().partition(".")
        subprocess.run(["qdel", task, "-t", number], stdout=subprocess.DEVNULL)
        print("deleted:", type(job.exception).__name__)
    end = time.monotonic() + 20
    while (left() or count()) and time.monotonic() < end:
        time.sleep(0.1)
    print("of its processes there are left:", left())
    print("queue jobs after it:", count())
