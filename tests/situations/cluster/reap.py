"""What is left of a program that was killed with all that clean up after it, `reap` ends.

$ python reap.py
left: 1 array in the queue
deleted: queue job ... of session ... of program ... on ge-submit, which is gone
removed: folder ..., whose program is gone
$ gridengine reap; qstat
nothing was left behind
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import psutil

import gridengine


def array():
    told = subprocess.check_output(["qstat"], text=True).splitlines()[2:]
    return {line.split()[0] for line in told}


if len(sys.argv) > 1:
    # They are held in the queue, and so wait for a user who will release them.
    with gridengine.schedulers.GridEngineScheduler(native="-h") as scheduler:
        gridengine.map(abs, range(8), scheduler=scheduler)


def noted():
    sessions = pathlib.Path.home().glob(".gridengine/sessions/*.json")
    return "".join(path.read_text() for path in sessions)


program = subprocess.Popen([sys.executable, __file__, "map"])
while not any(number in noted() for number in array()):
    time.sleep(0.1)
# As a host does that falls: all at once.
everything = psutil.Process(program.pid).children(recursive=True)
for each in everything:
    each.send_signal(signal.SIGSTOP)
program.kill()
for each in everything:
    each.kill()
program.wait()
psutil.wait_procs(everything)
print("left:", len(array()), "array in the queue", flush=True)
subprocess.run(["gridengine", "reap", "--dry-run"], stdout=subprocess.DEVNULL, check=True)
os.execlp("gridengine", "gridengine", "reap")
