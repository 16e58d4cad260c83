"""`Job(timeout=..., retries=2)` has three attempts, and the first that is in time counts.

Slow: it waits for timeouts, as tests/client/test_call_options.py does

$ python job_timeout_with_retries.py
too slow three times: JobTimeout, 3 attempts
in time the third time: done, 3 attempts
without retries: JobTimeout, 1 attempts
"""

import pathlib
import time

import gridengine


def work(name, slow):
    """Is too slow for the first times that it runs."""
    before = len(list(pathlib.Path().glob(f"{name} *")))
    pathlib.Path(f"{name} {before}").touch()
    if before < slow:
        time.sleep(600)
    return "done"


def run(what, *, slow, **how):
    job = gridengine.Job(target=work, args=(what, slow), timeout=1, **how)
    job.start()
    ended = type(job.exception).__name__ if job.exception else job.result
    print(f"{what}: {ended}, {job.attempts} attempts")


if __name__ == "__main__":
    run("too slow three times", slow=3, retries=2)
    run("in time the third time", slow=2, retries=2)
    run("without retries", slow=1)
