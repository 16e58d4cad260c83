"""Asks where a job is that does not come to its end, without its help, on whatever node it runs.

Not for ``GRIDENGINE_SCHEDULER=inline``, where `start` would wait for the end.
"""

from __future__ import annotations

import subprocess
import time

from gridengine import Job


def convert(path: str) -> None:
    """Waits for a program that never ends."""
    subprocess.run(["sh", "-c", "echo begun; exec sleep 600", "sh", path], check=True)


def where_is(job: Job) -> str:
    """Returns where a job is, or why it is nowhere."""
    try:
        return job.stack()
    except RuntimeError as error:
        # It waits for a worker, or is over.
        return str(error)


if __name__ == "__main__":
    job = Job(target=convert, args=("data.txt",), name="convert")
    job.start()
    text = ""
    # Its thread is looked at before its child processes: both are there when it waits.
    while not ("in convert" in text and "sleep 600" in text):
        time.sleep(0.1)
        text = where_is(job)
    print(text)
    job.terminate()
    job.join()
