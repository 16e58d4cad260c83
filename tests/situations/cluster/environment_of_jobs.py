"""What the program has in its environment, jobs have; what belongs to a node is the node's.

$ COLOUR=red EMPTY= WORDS='two words, "quoted"; and $more' python environment_of_jobs.py
red '' 'two words, "quoted"; and $more'
JOB_ID is the queue's: True, TMPDIR is the node's: True
working directory: True
"""

import os

import gridengine


def look(name):
    return os.environ.get(name)


if __name__ == "__main__":
    names = ["COLOUR", "EMPTY", "WORDS", "JOB_ID", "TMPDIR"]
    with gridengine.schedulers.GridEngineScheduler(max_workers=1) as scheduler:
        colour, empty, words, job, tmpdir = gridengine.map(look, names, scheduler=scheduler)
        (cwd,) = gridengine.map(lambda x: os.getcwd(), [1], scheduler=scheduler)
    print(colour, repr(empty), repr(words))
    own = tmpdir != os.environ["TMPDIR"]
    print(f"JOB_ID is the queue's: {job.isdigit()}, TMPDIR is the node's: {own}")
    print("working directory:", cwd == os.getcwd())
