"""Ctrl-C in a map: the calls that run get to clear up, and the program ends as of Ctrl-C.

$ python ctrl_c_in_a_map.py
0 and 1 run
they have cleared up: True
the program: KeyboardInterrupt, ended by SIGINT, in less than 15 s: True
"""

import pathlib
import signal
import subprocess
import sys
import time

import gridengine


def wait_for(*names):
    while not all(pathlib.Path(name).exists() for name in names):
        time.sleep(0.02)


def work(x):
    try:
        pathlib.Path(f"runs {x}").touch()
        time.sleep(600)
    finally:
        pathlib.Path(f"cleared up {x}").touch()


if len(sys.argv) > 1:
    gridengine.map(work, range(2), chunksize=1)

program = subprocess.Popen([sys.executable, __file__, "map"], stderr=subprocess.PIPE, text=True)
wait_for("runs 0", "runs 1")
print("0 and 1 run")
began = time.monotonic()
program.send_signal(signal.SIGINT)
said = program.communicate()[1].splitlines()[-1]
soon = time.monotonic() - began < 15
print("they have cleared up:", all(pathlib.Path(f"cleared up {x}").exists() for x in range(2)))
how = signal.Signals(-program.returncode).name
print(f"the program: {said}, ended by {how}, in less than 15 s: {soon}")
