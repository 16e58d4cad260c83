"""A site that lets a user have one job at a time: the second is waited for, and that is said once.

Slow: the limit is tried again every 5 s
Site: one-job-per-user

$ python above_the_limit_of_jobs_per_user_it_waits_and_says_so_once.py
1 queue job is submitted as soon as the site allows: ...only 1 job... allowed per user...
[10, 3]
"""

import time

import gridengine
from gridengine import Job


def rest(seconds):
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=2) as scheduler:
        first = Job(target=rest, args=(10,), scheduler=scheduler)
        first.start()
        while not first.host:
            time.sleep(0.1)
        # Another request, so another queue job.
        second = Job(target=abs, args=(-3,), scheduler=scheduler, resources={"h_rt": 600})
        second.start()
        print([first.result, second.result])
