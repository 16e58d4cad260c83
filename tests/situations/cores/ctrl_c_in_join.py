"""Ctrl-C in `join` is heard at once, and the job is not waited for at the end, but clears up.

Whether the program lets the KeyboardInterrupt end it, or says goodbye and ends by itself.

$ python ctrl_c_in_join.py uncaught
KeyboardInterrupt
ended by SIGINT; the job has cleared up: True; in less than 15 s: True
$ python ctrl_c_in_join.py caught
goodbye
ended by itself; the job has cleared up: True; in less than 15 s: True
"""

import pathlib
import signal
import subprocess
import sys
import time

import gridengine


def work():
    try:
        pathlib.Path("runs").touch()
        time.sleep(600)
    finally:
        pathlib.Path("cleared up").touch()


if sys.argv[1] == "program":
    job = gridengine.Job(target=work)
    job.start()
    try:
        job.join()
    except KeyboardInterrupt:
        if sys.argv[2] == "uncaught":
            raise
        sys.exit("goodbye")

for name in ("runs", "cleared up"):
    pathlib.Path(name).unlink(missing_ok=True)
command = [sys.executable, __file__, "program", sys.argv[1]]
program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
while not pathlib.Path("runs").exists():
    time.sleep(0.02)
began = time.monotonic()
program.send_signal(signal.SIGINT)
print(program.communicate()[1].splitlines()[-1])
soon = time.monotonic() - began < 15
how = "itself" if program.returncode > 0 else signal.Signals(-program.returncode).name
cleared = pathlib.Path("cleared up").exists()
print(f"ended by {how}; the job has cleared up: {cleared}; in less than 15 s: {soon}")
