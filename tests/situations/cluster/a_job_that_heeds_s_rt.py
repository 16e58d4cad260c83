"""A job hears the signal of its soft limit, s_rt, and may save what it has.

$ python a_job_that_heeds_s_rt.py
saved
"""

import signal
import time

import gridengine


def work(x):
    heard = []
    signal.signal(signal.SIGUSR1, lambda *_: heard.append(x))
    while not heard:
        time.sleep(0.05)
    return "saved"


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(s_rt=3, max_workers=1) as scheduler:
        print(gridengine.map(work, [1], scheduler=scheduler)[0])
