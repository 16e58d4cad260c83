"""Queue jobs that are suspended for 15 seconds go on where they were.

Slow: a suspension of 15 seconds

$ python suspended_for_a_moment.py 2> said || cat said
suspended
4 right, in one attempt each: True
"""

import os
import subprocess
import time

import gridengine


def work(x):
    open(f"started-{x}", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.05)
    return x


def qmod(option, numbers):
    subprocess.run(["qmod", option, *numbers], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=4) as scheduler:
        jobs = [gridengine.Job(target=work, args=(x,), scheduler=scheduler) for x in range(4)]
        for job in jobs:
            job.start()
        while len([name for name in os.listdir() if name.startswith("started")]) < 4:
            time.sleep(0.05)
        told = subprocess.check_output(["qstat"], text=True).splitlines()[2:]
        numbers = sorted({line.split()[0] for line in told})
        qmod("-sj", numbers)
        print("suspended", flush=True)
        open("go on", "w").close()
        time.sleep(15)
        qmod("-usj", numbers)
        right = sum(job.result == x for x, job in enumerate(jobs))
        print(f"{right} right, in one attempt each:", all(job.attempts == 1 for job in jobs))
