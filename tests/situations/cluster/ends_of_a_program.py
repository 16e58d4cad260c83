"""However a program ends, its queue jobs, and what they had started, end with it.

Slow: four programs, one after the other

$ for way in INT TERM HUP KILL; do python ends_of_a_program.py $way; done
INT ends the program, the queue is empty, its jobs and its folder are gone
TERM ends the program, the queue is empty, its jobs and its folder are gone
HUP ends the program, the queue is empty, its jobs and its folder are gone
KILL ends the program, the queue is empty, its jobs and its folder are gone
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import gridengine


def work(x):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    pathlib.Path("pids", f"{os.getpid()} {child.pid}").touch()
    child.wait()


def alive(pid):
    try:
        return f"{pid} " in pathlib.Path(f"/proc/{pid}/stat").read_text().replace(") Z", "")
    except OSError:
        return False


def main(way):
    pids = pathlib.Path("pids")
    pids.mkdir(exist_ok=True)
    program = subprocess.Popen([sys.executable, __file__, "map"], stderr=subprocess.DEVNULL)
    while len(list(pids.iterdir())) < 2:
        time.sleep(0.02)
    started = [int(pid) for path in pids.iterdir() for pid in path.name.split()]
    program.send_signal(signal.Signals[f"SIG{way}"])
    program.wait()
    while subprocess.check_output(["qstat"]) or any(map(alive, started)):
        time.sleep(0.1)
    while list(pathlib.Path.home().glob(".gridengine/run-*")):
        time.sleep(0.1)
    for path in pids.iterdir():
        path.unlink()
    print(way, "ends the program, the queue is empty, its jobs and its folder are gone")


if sys.argv[1] == "map":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gridengine.map(work, range(2))
else:
    main(sys.argv[1])
