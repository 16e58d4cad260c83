"""Ways in which a job ends that is not by its function: exits, crashes, signals.

On: cores

$ python ends_of_jobs.py
sys.exit() None 0
sys.exit(3) JobExited 3
sys.exit('text') JobExited 1
os._exit(3) JobDied exited 3
abort JobDied crashed -6 SIGABRT
segfault JobDied crashed -11 SIGSEGV
killed JobDied killed from outside -9 SIGKILL
and the next one: 4
"""

import ctypes
import os
import resource
import signal
import sys

import gridengine

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # leave no core files about


def end(how):
    {
        "sys.exit()": sys.exit,
        "sys.exit(3)": lambda: sys.exit(3),
        "sys.exit('text')": lambda: sys.exit("text"),
        "os._exit(3)": lambda: os._exit(3),
        "abort": os.abort,
        "segfault": lambda: ctypes.string_at(0),
        "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    }[how]()


def tell(how):
    job = gridengine.Job(target=end, args=(how,), retries=0)
    job.start()
    error = job.exception
    words = [how, type(error).__name__ if error else None]
    if isinstance(error, gridengine.JobDied):
        words += [error.death.cause.value, job.exitcode, *filter(None, [error.death.signal])]
    else:
        words.append(job.exitcode)
    print(*words)


if __name__ == "__main__":
    ways = ["sys.exit()", "sys.exit(3)", "sys.exit('text')", "os._exit(3)", "abort", "segfault"]
    for way in [*ways, "killed"]:
        tell(way)
    print("and the next one:", gridengine.map(abs, [-4])[0])
