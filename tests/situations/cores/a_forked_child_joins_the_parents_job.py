"""A forked child that asks for the parent's job is told that it cannot be; the parent can.

$ python -W ignore a_forked_child_joins_the_parents_job.py
join: cannot join job 'slow' here: this process is a fork of the one that has started it, ...
result: cannot get the result of job 'slow' here: ...
is_alive: cannot look after job 'slow' here: ...
terminate: cannot terminate job 'slow' here: ...
a job of its own: 3
one that was over before the fork: 2
the parent: 1
"""

import os
import sys
import time

import gridengine


def slow():
    time.sleep(1)
    return 1


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    job, done = gridengine.Job(target=slow, name="slow"), gridengine.Job(target=abs, args=(-2,))
    job.start()
    done.start()
    done.join()
    child = os.fork()
    if not child:
        for what, ask in {
            "join": job.join,
            "result": lambda: job.result,
            "is_alive": job.is_alive,
            "terminate": job.terminate,
        }.items():
            try:
                ask()
            except RuntimeError as error:
                print(f"{what}: {error}")
        print("a job of its own:", *gridengine.map(abs, [-3]))
        print("one that was over before the fork:", done.result)
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    print("the parent:", job.result)
