"""`gridengine.excepthook` says what is done about failures that nobody asks about.

$ python excepthook_for_jobs.py
ZeroDivisionError of job 'a division' on a host: True, the job: finished=False
JobDied of job 'a crash' on a host: True, the job: finished=False
"""

import os

import gridengine


def hook(args):
    kind, finished = args.exc_type.__name__, args.job.exitcode == 0
    print(f"{kind} of job {args.name!r} on a host: {bool(args.host)}, the job: {finished=}")


def divide():
    return 1 / 0


gridengine.excepthook = hook

if __name__ == "__main__":
    for job in (
        gridengine.Job(target=divide, name="a division"),
        gridengine.Job(target=os.abort, name="a crash", retries=0),
    ):
        job.start()
        job.join()
