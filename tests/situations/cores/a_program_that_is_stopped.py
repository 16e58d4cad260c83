"""A program that is stopped with Ctrl-Z for longer than the patience goes on where it was.

On: cores
Slow: it is stopped for 50 seconds

$ python a_program_that_is_stopped.py
stopped
[0, 1, 2, 3] attempts 1
status 0
"""

import os
import signal
import subprocess
import sys
import time

import gridengine


def wait(x):
    open(f"started-{x}", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.05)
    return x


if len(sys.argv) > 1:
    jobs = [gridengine.Job(target=wait, args=(x,)) for x in range(4)]
    for job in jobs:
        job.start()
    print([job.result for job in jobs], "attempts", max(job.attempts for job in jobs))
else:
    program = subprocess.Popen([sys.executable, __file__, "child"])
    while not os.path.exists("started-0"):
        time.sleep(0.01)
    program.send_signal(signal.SIGSTOP)
    print("stopped", flush=True)
    time.sleep(50)
    program.send_signal(signal.SIGCONT)
    open("go on", "w").close()
    print("status", program.wait())
