"""In the queue stands what a queue job is for, and all calls of a map are one array.

$ python queue_jobs_say_what_they_are_for.py
simulate: 40 queue jobs in 1 array
night_run_7: 1 queue jobs in 1 array
mine: 1 queue jobs in 1 array
"""

import subprocess
import time
from xml.etree import ElementTree

import gridengine
from gridengine.schedulers import GridEngineScheduler


def simulate(x):
    time.sleep(60)


def queue():
    """Returns the names, arrays and numbers of queue jobs, as soon as there are some."""
    while True:
        text = subprocess.run(["qstat", "-xml", "-g", "d"], capture_output=True, check=True).stdout
        jobs = list(ElementTree.fromstring(text).iter("job_list"))
        if jobs:
            return [(job.findtext("JB_name"), job.findtext("JB_job_number")) for job in jobs]
        time.sleep(0.1)


def show(job, **options):
    # Held: what is asked for does not start, and is there to be seen.
    with GridEngineScheduler(native="-h", **options) as scheduler:
        jobs = job(scheduler)
        for each in jobs:
            each.start()
        found = queue()
        for each in jobs:
            each.kill()
    names, arrays = {name for name, _ in found}, {array for _, array in found}
    print(f"{', '.join(names)}: {len(found)} queue jobs in {len(arrays)} array")
    while subprocess.run(["qstat"], capture_output=True, check=True).stdout:
        time.sleep(0.1)


if __name__ == "__main__":
    Job = gridengine.Job
    show(lambda s: [Job(target=simulate, args=(x,), scheduler=s) for x in range(40)])
    show(lambda s: [Job(target=simulate, args=(0,), name="night run: 7", scheduler=s)])
    show(lambda s: [Job(target=simulate, args=(0,), scheduler=s)], queue_job_name="mine")
