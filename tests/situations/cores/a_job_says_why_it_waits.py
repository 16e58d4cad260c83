"""A job that waits, fails or was taken back says why, in a line.

$ python a_job_says_why_it_waits.py
waits for a worker: the only one is busy, 1 call is before it
ValueError: no such thing
JobCancelled: ...
"""

import time

from gridengine import Job
from gridengine.schedulers import ProcessScheduler


def fail():
    raise ValueError("no such thing")


if __name__ == "__main__":
    with ProcessScheduler(1) as scheduler:
        rest = Job(target=time.sleep, args=(60,), scheduler=scheduler)
        failing, unwanted = (Job(target=fail, scheduler=scheduler) for _ in range(2))
        for job in (rest, failing, unwanted):
            job.start()
        while "1 call is before it" not in unwanted.state_reason or not rest.pid:
            time.sleep(0.01)
        print(unwanted.state_reason)
        unwanted.terminate()
        rest.kill()
        for job in (failing, unwanted):
            # Nobody has to be told of what was asked for.
            assert job.exception
            print(job.state_reason)
