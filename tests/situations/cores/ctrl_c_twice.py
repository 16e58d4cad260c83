"""Ctrl-C once lets a call clear up for as long as GRIDENGINE_GRACE says; twice ends it at once.

On: cores

$ GRIDENGINE_GRACE=0.5 python ctrl_c_twice.py once
cleared up: False, in less than 20 s: True
$ GRIDENGINE_GRACE=600 python ctrl_c_twice.py twice
cleared up: False, in less than 20 s: True
$ GRIDENGINE_GRACE=0 python ctrl_c_twice.py at once
cleared up: False, in less than 20 s: True
"""

import pathlib
import signal
import subprocess
import sys
import time

import gridengine


def wait_for(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.02)


def work(_):
    pathlib.Path("runs").touch()
    try:
        time.sleep(600)
    finally:
        pathlib.Path("clears up").touch()
        time.sleep(600)
        pathlib.Path("cleared up").touch()


if sys.argv[1] == "program":
    gridengine.map(work, [1])

program = subprocess.Popen([sys.executable, __file__, "program"], stderr=subprocess.DEVNULL)
wait_for("runs")
began = time.monotonic()
program.send_signal(signal.SIGINT)
if sys.argv[1] == "twice":
    wait_for("clears up")
    time.sleep(0.5)
    assert program.poll() is None
    program.send_signal(signal.SIGINT)
program.wait()
soon = time.monotonic() - began < 20
print(f"cleared up: {pathlib.Path('cleared up').exists()}, in less than 20 s: {soon}")
pathlib.Path("runs").unlink()
