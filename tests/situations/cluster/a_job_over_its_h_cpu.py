"""A job over its processor time says so.

$ python a_job_over_its_h_cpu.py
JobDied over its time
advice: ...h_cpu...
"""

import gridengine


def spin():
    while True:
        pass


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(h_cpu=2) as scheduler:
        job = gridengine.Job(target=spin, scheduler=scheduler, retries=0)
        job.start()
        died = job.exception
    print(type(died).__name__, died.death.cause.value)
    print("advice:", died.death.advice)
