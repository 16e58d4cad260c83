"""A queue job that is suspended is waited for, which is said, and goes on when it is resumed.

Suspended by hand (qmod -sj) or with its queue (qmod -sq) for longer than the patience, which is set
to 4 seconds here. Each call has run once.

Slow: waits out two suspensions

$ python a_suspended_job_is_waited_for.py
-sj: suspended for 10 s
queue job ... is suspended by qmod -sj (state s), and may be resumed: 1 call waits until then
queue job ... is resumed
result 42, attempts 1
-sq: suspended for 10 s
queue job ... is suspended with its queue (state S), and may be resumed: 1 call waits until then
queue job ... is resumed
result 42, attempts 1
"""

import logging
import os
import subprocess
import sys
import threading
import time

os.environ.update(GRIDENGINE_PATIENCE="4", GRIDENGINE_HEARTBEAT="1")

import gridengine
from gridengine.schedulers import GridEngineScheduler


def work(path: str) -> int:
    with open(path, "w") as file:
        file.write(f"{os.environ['JOB_ID']} {os.environ['QUEUE']}@{os.uname().nodename}")
    for _ in range(50):
        time.sleep(0.1)
    return 42


def main() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
    for how, back in (("-sj", "-usj"), ("-sq", "-usq")):
        path = os.path.abspath(f"where{how}")
        with GridEngineScheduler(max_workers=1) as scheduler:
            job = gridengine.Job(target=work, args=(path,), scheduler=scheduler)
            job.start()
            while not (os.path.exists(path) and os.path.getsize(path)):
                time.sleep(0.1)
            with open(path) as file:
                queue_job, queue = file.read().split()
            what = queue_job if how == "-sj" else queue
            print(f"{how}: suspended for 10 s", flush=True)
            subprocess.run(["qmod", how, what], check=True, stdout=subprocess.DEVNULL)
            resume = ["qmod", back, what]
            threading.Timer(10, subprocess.run, [resume], {"stdout": subprocess.DEVNULL}).start()
            print(f"result {job.result}, attempts {job.attempts}", flush=True)


if __name__ == "__main__":
    main()
