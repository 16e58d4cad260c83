"""After a map that Ctrl-C has ended, in a program that catches it, the next map works.

$ python an_interrupted_map_and_the_next_one.py
KeyboardInterrupt
[1, 4]
"""

import os
import signal
import threading
import time

import gridengine


def sleep(seconds):
    open("started", "w").close()
    time.sleep(seconds)


def interrupt():
    while not os.path.exists("started"):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    threading.Thread(target=interrupt).start()
    try:
        gridengine.map(sleep, [600] * 8)
    except KeyboardInterrupt:
        print("KeyboardInterrupt")
    print(gridengine.map(lambda x: x * x, [1, 2]))
