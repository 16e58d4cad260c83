"""A queue that takes nothing: the job says so, and goes on when the queue does.

Slow: the batch system is asked after some seconds

$ python a_job_says_what_its_queue_job_waits_for.py
waits for a worker: 1 queue job waits: queue all.q is disabled on ge-node1, ge-node2
3
"""

import subprocess
import time

from gridengine import Job


def qmod(option):
    subprocess.run(["qmod", option, "all.q"], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    qmod("-d")
    try:
        job = Job(target=abs, args=(-3,))
        job.start()
        while "queue all.q" not in job.state_reason:
            time.sleep(0.1)
        print(job.state_reason)
    finally:
        qmod("-e")
    print(job.result)
