"""A batch of jobs with `JobDispatcher`: dispatched together, joined together, and timed.

$ python -u job_dispatcher.py
[0, 1, 4, 9] in less than 30 s
[0, 1] and ValueError('negative')
an exception has left the `with`: 1 job that was not over is cancelled
left with an exception: KeyError, CANCELLED
"""

import time

import gridengine


def square(x):
    if x < 0:
        raise ValueError("negative")
    return x * x


def jobs(*numbers):
    return [gridengine.Job(target=square, args=(x,)) for x in numbers]


if __name__ == "__main__":
    with gridengine.JobDispatcher() as dispatcher:
        dispatcher.dispatch(jobs(0, 1, 2, 3))
        values = dispatcher.join()
        print(values, "in less than 30 s" if dispatcher.elapsed_time < 30 else "late")
        dispatcher.dispatch(jobs(0, 1, -1))
        *values, error = dispatcher.join(reraise=False)
        print(values, "and", repr(error), flush=True)
    job = gridengine.Job(target=time.sleep, args=(100,))
    try:
        with gridengine.JobDispatcher() as dispatcher:
            dispatcher.dispatch([job])
            raise KeyError
    except KeyError:
        job.join()
        print("left with an exception: KeyError,", job.state.name)
