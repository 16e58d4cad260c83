"""At its end a program waits for its jobs, then maps once more; a daemon thread does not keep it.

On: cores, cluster

$ python atexit_and_the_end_of_a_program.py 2> what_the_daemon_may_say; ls late
main ends
at exit [1, 4]
late
"""

import atexit
import threading
import time

import gridengine


def say_goodbye():
    print("at exit", gridengine.map(lambda x: x * x, [1, 2]), flush=True)


def wait(path, seconds):
    open(path, "w").close()
    time.sleep(seconds)


def late():
    time.sleep(0.5)
    open("late", "w").close()


if __name__ == "__main__":
    atexit.register(say_goodbye)
    arguments = (gridengine.partial(wait, "daemon"), [100])
    threading.Thread(target=gridengine.map, args=arguments, daemon=True).start()
    # Nobody joins it, and it is waited for.
    gridengine.Job(target=late).start()
    print("main ends", flush=True)
