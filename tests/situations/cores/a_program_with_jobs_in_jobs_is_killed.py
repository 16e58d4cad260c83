"""A program is killed while a job of a job runs: nothing is left of either, on this host.

On: cores
Needs: psutil

$ python a_program_with_jobs_in_jobs_is_killed.py
both run
killed by 9, processes left: 0, folders left: []
"""

import os
import signal
import subprocess
import sys
import time

import psutil

import gridengine


def inner():
    open("inner", "w").close()
    time.sleep(600)


def outer():
    job = gridengine.Job(target=inner)
    job.start()
    job.join()


def wait_for(what):
    end = time.monotonic() + 20
    while not what() and time.monotonic() < end:
        time.sleep(0.01)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        job = gridengine.Job(target=outer)
        job.start()
        job.join()
    program = subprocess.Popen([sys.executable, __file__, "program"])
    wait_for(lambda: os.path.exists("inner"))
    print("both run")
    processes = psutil.Process(program.pid).children(recursive=True)
    program.send_signal(signal.SIGKILL)
    killed_by = -program.wait()
    wait_for(lambda: not any(each.is_running() for each in processes))
    left = sum(each.is_running() for each in processes)
    temporary = os.environ["TMPDIR"]
    wait_for(lambda: not os.listdir(temporary))
    print(f"killed by {killed_by}, processes left: {left}, folders left: {os.listdir(temporary)}")
