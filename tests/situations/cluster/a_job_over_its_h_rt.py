"""A job over the time that its queue job was granted says so, and what to ask for.

$ python a_job_over_its_h_rt.py
JobDied over its time
advice: h_rt: ran ... s of 2 s; ask for more
"""

import time

import gridengine

if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(h_rt=2) as scheduler:
        job = gridengine.Job(target=time.sleep, args=(60,), scheduler=scheduler, retries=0)
        job.start()
        died = job.exception
    print(type(died).__name__, died.death.cause.value)
    print("advice:", died.death.advice)
