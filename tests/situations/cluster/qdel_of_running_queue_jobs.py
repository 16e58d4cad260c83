"""An administrator deletes one running queue job, then all of them: the work is done all the same.

Slow: queue jobs are started anew

$ python qdel_of_running_queue_jobs.py 2> said || cat said
8 right
deleted at least 3 queue jobs
"""

import os
import subprocess
import threading
import time
from xml.etree import ElementTree

import gridengine


def work(x):
    open(f"started-{x}-{os.environ['JOB_ID']}-{os.environ['SGE_TASK_ID']}", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.02)
    return x


def running():
    told = ElementTree.fromstring(subprocess.check_output(["qstat", "-g", "d", "-s", "r", "-xml"]))
    for job in told.iter("job_list"):
        if job.findtext("state") == "r":
            yield job.findtext("JB_job_number"), job.findtext("tasks")


def wait_until(condition):
    while not condition():
        time.sleep(0.1)


def delete(queue_jobs):
    for job, task in queue_jobs:
        subprocess.run(["qdel", job, *(["-t", task] if task else [])], stdout=subprocess.DEVNULL)
    wait_until(lambda: not set(queue_jobs) & set(running()))
    return len(queue_jobs)


def administrate():
    wait_until(lambda: len(list(running())) >= 2)
    deleted = delete(list(running())[:1])
    wait_until(lambda: len(list(running())) >= 2)
    deleted += delete(list(running()))
    open("go on", "w").close()
    counts.append(deleted)


counts = []
if __name__ == "__main__":
    administrator = threading.Thread(target=administrate)
    administrator.start()
    with gridengine.schedulers.GridEngineScheduler(max_workers=2) as scheduler:
        done = gridengine.map(work, range(8), scheduler=scheduler, chunksize=1)
    administrator.join()
    print(sum(x == n for n, x in enumerate(done)), "right")
    print("deleted at least", "3 queue jobs" if counts[0] >= 3 else counts)
