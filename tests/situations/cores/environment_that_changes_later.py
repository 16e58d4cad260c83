"""What the program sets in `os.environ` after the first map is set in the next; each job has its own.

On: cores, cluster

$ BEFORE=1 python environment_that_changes_later.py
('1', None)
('1', 'b')
('2', 'c')
(None, 'c')
['0', '1', '2', '3']
set by a job: it stays in its worker
"""

import os

import gridengine


def look(_=None):
    return os.environ.get("BEFORE"), os.environ.get("LATER")


def main():
    print(*gridengine.map(look, [0]))
    os.environ["LATER"] = "b"
    print(*gridengine.map(look, [0]))
    os.environ.update(BEFORE="2", LATER="c")
    print(*gridengine.map(look, [0]))
    del os.environ["BEFORE"]
    print(*gridengine.map(look, [0]))
    jobs = []
    for number in range(4):
        os.environ["SEED"] = str(number)
        jobs.append(gridengine.Job(target=os.getenv, args=("SEED",)))
        jobs[-1].start()
    print([job.result for job in jobs])
    with gridengine.schedulers.ProcessScheduler(1) as one:
        gridengine.map(lambda x: os.environ.update(OF_A_JOB=x), ["it stays"], scheduler=one)
        os.environ["ANOTHER"] = "x"
        [stays] = gridengine.map(os.getenv, ["OF_A_JOB"], scheduler=one)
        print("set by a job:", stays, "in its worker")


if __name__ == "__main__":
    main()
