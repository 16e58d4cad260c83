"""`terminate` and `kill` end a job as they end a process of multiprocessing, and not its neighbour.

On: cores, cluster

$ python terminate_and_kill.py
terminate CANCELLED JobCancelled -15
kill CANCELLED JobCancelled -9
before it runs CANCELLED JobCancelled
the neighbour 1
"""

import os
import time

import gridengine


def wait_for(path, started=None):
    if started:
        open(started, "w").close()
    while not os.path.exists(path):
        time.sleep(0.01)
    return 1


def main():
    with gridengine.schedulers.best_available() as scheduler:
        start = {"target": wait_for, "scheduler": scheduler, "retries": 0}
        neighbour = gridengine.Job(args=("go on",), **start)
        neighbour.start()
        for end in ("terminate", "kill"):
            job = gridengine.Job(args=("never", f"{end} started"), **start)
            job.start()
            wait_for(f"{end} started")
            getattr(job, end)()
            job.join()
            print(end, job.state.name, type(job.exception).__name__, job.exitcode)
        many = [gridengine.Job(args=("go on",), **start) for _ in range(50)]
        for job in many:
            job.start()
        many[-1].terminate()
        many[-1].join()
        print("before it runs", many[-1].state.name, type(many[-1].exception).__name__)
        open("go on", "w").close()
        print("the neighbour", neighbour.result)


if __name__ == "__main__":
    main()
