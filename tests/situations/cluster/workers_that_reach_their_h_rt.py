"""More work than fits into the time of one queue job goes on in the next ones, and none is lost.

Slow: several queue jobs, one after another

$ python workers_that_reach_their_h_rt.py 2> said || cat said
60 right, by more than 2 workers: True
"""

import time

import gridengine


def work(x):
    time.sleep(0.5)
    return x


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(h_rt=6, max_workers=2) as scheduler:
        # Without a second attempt: to lose its worker this way costs a job none.
        jobs = [
            gridengine.Job(target=work, args=(x,), scheduler=scheduler, retries=0)
            for x in range(60)
        ]
        for job in jobs:
            job.start()
        right = sum(job.result == x for x, job in enumerate(jobs))
        workers = {(job.host, job.pid) for job in jobs}
    print(right, "right, by more than 2 workers:", len(workers) > 2)
