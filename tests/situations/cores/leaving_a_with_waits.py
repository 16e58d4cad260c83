"""Leaving a `with` waits for the jobs that were started, as an executor does.

After an exception they are cancelled, and it is said how many; daemons are never waited for.

$ python leaving_a_with_waits.py
3 jobs, none joined: finished finished finished
a daemon: cancelled
an exception has left the `with`: 2 jobs that were not over are cancelled
after an exception: cancelled cancelled
$ python leaving_a_with_waits.py batch
an exception has left the `with`: 2 jobs that were not over are cancelled
"""

import sys
import time

import gridengine
from gridengine.schedulers import best_available


def started(*seconds, **how):
    jobs = [gridengine.Job(target=time.sleep, args=(each,), **how) for each in seconds]
    for job in jobs:
        job.start()
    return jobs


def states(jobs):
    return " ".join(job.state.value for job in jobs)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    if len(sys.argv) > 1:
        try:
            with gridengine.JobDispatcher() as dispatcher:
                dispatcher.dispatch(
                    gridengine.Job(target=time.sleep, args=(600,)) for _ in range(2)
                )
                raise LookupError
        except LookupError:
            sys.exit()
    with best_available():
        jobs = started(0.2, 0.1, 0.2)
    print("3 jobs, none joined:", states(jobs))
    with best_available():
        jobs = started(600, daemon=True)
    print("a daemon:", states(jobs))
    try:
        with best_available():
            jobs = started(600, 600)
            raise LookupError
    except LookupError:
        print("after an exception:", states(jobs))
