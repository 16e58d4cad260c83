"""Ctrl-C in a map: KeyboardInterrupt at once, in the program alone; the next map works.

On: cores, cluster

$ python ctrl_c_in_a_map.py
KeyboardInterrupt within 5 s
[1, 4]
twice: ended by SIGINT, within 5 s
"""

import os
import signal
import subprocess
import sys
import time

import gridengine


def sleep(number):
    open(f"started-{number}", "w").close()
    time.sleep(100)


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def interrupted(number):
    program = subprocess.Popen([sys.executable, __file__, str(number)])
    wait_for(f"started-{number}")
    begin = time.monotonic()
    program.send_signal(signal.SIGINT)
    if number:
        wait_for("caught")
        program.send_signal(signal.SIGINT)
    status = program.wait()
    quick = "within 5 s" if time.monotonic() - begin < 5 else "late"
    return status, quick


def child(number):
    try:
        gridengine.map(sleep, [number] * 8)
    except KeyboardInterrupt:
        if number:
            open("caught", "w").close()
            gridengine.map(sleep, [2] * 8)
        print("KeyboardInterrupt", end=" ", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        # A shell has what it starts in the background ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        child(int(sys.argv[1]))
        if sys.argv[1] == "0":
            with open("values", "w") as file:
                file.write(str(gridengine.map(lambda x: x * x, [1, 2])))
    else:
        status, quick = interrupted(0)
        print(quick if status == 0 else status)
        with open("values") as file:
            print(file.read())
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)  # The traceback is known.
        status, quick = interrupted(1)
        print("twice: ended by", signal.Signals(-status).name + ",", quick)
