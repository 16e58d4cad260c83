"""At level INFO the log tells of submission, arrival, loss and retry.

$ python the_log_tells_how_it_goes.py
...
INFO submitted queue job ...
INFO queue job ... has started on ge-node...
INFO worker ... on ge-node... is lost (KILLED): 1 call tried again
...[5]
"""

import logging
import os
import signal
import sys

import gridengine


def once(path):
    if not os.path.exists(path):
        open(path, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return 5


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    print(gridengine.map(once, [os.path.abspath("killed")]))
