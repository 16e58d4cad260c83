"""Workers whose queue job is warned, by s_rt, leave; more work than fits goes on in the next ones.

Slow: several queue jobs, one after another

$ python workers_that_reach_their_s_rt.py 2> said || cat said
30 right, by more than 2 workers: True
"""

import time

import gridengine


def work(x):
    time.sleep(0.5)
    return x


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(s_rt=4, max_workers=2) as scheduler:
        jobs = [gridengine.Job(target=work, args=(x,), scheduler=scheduler) for x in range(30)]
        for job in jobs:
            job.start()
        right = sum(job.result == x for x, job in enumerate(jobs))
        workers = {(job.host, job.pid) for job in jobs}
    print(right, "right, by more than 2 workers:", len(workers) > 2)
