"""A job that hangs the first time is found, ended and tried again, if that is asked for.

On: cores, cluster

$ GRIDENGINE_STALLED_AFTER=1 GRIDENGINE_ON_STALL=retry python a_job_that_waits_for_ever.py
job 'fetch' has used less than 1 % of a core for ... s on ... (process ...) and is ended
fetched after 2 attempts
"""

import pathlib
import threading

import gridengine


def fetch(file: pathlib.Path) -> str:
    if not file.exists():
        file.touch()
        threading.Event().wait()
    return "fetched"


if __name__ == "__main__":
    job = gridengine.Job(target=fetch, args=(pathlib.Path("begun").absolute(),), name="fetch")
    job.start()
    print(job.result, "after", job.attempts, "attempts")
