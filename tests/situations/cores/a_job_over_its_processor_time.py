"""A job over the processor time of a process (`ulimit -t`) says so; one that began late, goes on.

On: cores
Slow: it uses up its processor time

$ ulimit -t 1; python a_job_over_its_processor_time.py
JobDied over its time SIGKILL attempt 1
a process may have no more processor time (h_cpu, or ulimit -t); ask for more
6 right
"""

import time

import gridengine


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


if __name__ == "__main__":
    with gridengine.schedulers.ProcessScheduler(2) as scheduler:
        job = gridengine.Job(target=spin, args=(600,), scheduler=scheduler)
        job.start()
        death = job.exception.death
        print(type(job.exception).__name__, death.cause.value, death.signal, end=" ")
        print("attempt", death.attempt)
        print(death.advice)
        # No call is charged for what its worker has done before it.
        values = gridengine.map(spin, [0.3] * 6, scheduler=scheduler, chunksize=1)
        print(len(values), "right")
