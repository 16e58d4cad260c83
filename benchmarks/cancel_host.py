"""Waiting jobs that are cancelled: ``python -m benchmarks.cancel_host FILE JOBS``.

One worker is kept busy, so that all others wait. They are cancelled at once, as `JobDispatcher`
does when it is left by an exception, and one by one with `Job.kill`.
"""

from __future__ import annotations

import json
import sys
import time

import gridengine
from gridengine import Job
from gridengine.schedulers import ProcessScheduler

from .tasks import same


def measure(jobs: int, *, one_by_one: bool) -> float:
    """Returns the seconds from the first order to cancel to the end of the last job."""
    with ProcessScheduler(1) as scheduler:
        busy = Job(target=time.sleep, args=(600,), scheduler=scheduler)
        busy.start()
        while busy.state is not gridengine.JobState.RUNNING:
            time.sleep(0.001)
        waiting = [Job(target=same, args=(x,)) for x in range(jobs)]
        dispatcher = gridengine.JobDispatcher(scheduler)
        dispatcher.dispatch(waiting)
        begin = time.perf_counter()
        if one_by_one:
            for job in waiting:
                job.kill()
        else:
            dispatcher.close()
        for job in waiting:
            job.join()
        seconds = time.perf_counter() - begin
        assert all(job.state is gridengine.JobState.CANCELLED for job in waiting)
        busy.kill()
    return seconds


def main() -> None:
    """Measures both ways, and writes the figures into a file."""
    jobs = int(sys.argv[2])
    answer = {
        "jobs": jobs,
        "together": measure(jobs, one_by_one=False),
        "one_by_one": measure(jobs, one_by_one=True),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
