"""A job that fails and that nobody asks prints its traceback, once, as a thread does.

When it is joined, when it is forgotten, or at the end of the program.

$ python failure_of_a_job_nobody_reads.py joined
Exception in job 'Job-1 (fail)' on ...:
...
  File "...failure_of_a_job_nobody_reads.py", line ..., in fail
    raise ValueError(text)
...
ValueError: it was joined
...
after join, and its result raises: it was joined
$ python failure_of_a_job_nobody_reads.py forgotten 2>&1 | grep "^Exception"
Exception in job 'forgotten' on ...:
$ python failure_of_a_job_nobody_reads.py remembered 2>&1 | grep "^Exception\\|^end of"
end of the program
Exception in job 'remembered' on ...:
$ python failure_of_a_job_nobody_reads.py silent
asked for: the one that was asked
ended by the program: cancelled
sys.exit: 3
"""

import sys
import time

import gridengine


def fail(text):
    raise ValueError(text)


def forgotten():
    gridengine.Job(target=fail, args=("who?",), name="forgotten").start()


def joined():
    job = gridengine.Job(target=fail, args=("it was joined",))
    job.start()
    job.join()
    try:
        print(job.result)
    except ValueError as error:
        print("after join, and its result raises:", error)


def remembered():
    global kept
    kept = gridengine.Job(target=fail, args=("kept",), name="remembered")
    kept.start()
    while kept.is_alive():
        time.sleep(0.01)
    print("end of the program", flush=True)


def silent():
    asked = gridengine.Job(target=fail, args=("the one that was asked",))
    asked.start()
    print("asked for:", asked.exception)
    asked.join()
    ended = gridengine.Job(target=time.sleep, args=(600,))
    ended.start()
    ended.terminate()
    ended.join()
    print("ended by the program:", ended.state.value)
    exited = gridengine.Job(target=sys.exit, args=(3,))
    exited.start()
    exited.join()
    print("sys.exit:", exited.exitcode)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
