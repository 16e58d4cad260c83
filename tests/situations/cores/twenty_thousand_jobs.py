"""20,000 single jobs at once, each with its result, its host and its attempts.

$ python twenty_thousand_jobs.py
199990000 [1] 1
"""

import gridengine


def same(x):
    return x


if __name__ == "__main__":
    jobs = [gridengine.Job(target=same, args=(x,)) for x in range(20_000)]
    for job in jobs:
        job.start()
    total = sum(job.result for job in jobs)
    print(total, sorted({job.attempts for job in jobs}), len({job.host is None for job in jobs}))
