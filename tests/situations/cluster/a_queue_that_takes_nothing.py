"""A queue that is disabled, or suspended, when a program starts: it waits, and says for what.

Slow: it says so after some seconds

$ python a_queue_that_takes_nothing.py -d -e
waits, and says why: True
[1, 4]
$ python a_queue_that_takes_nothing.py -sq -usq
waits, and says why: True
[1, 4]
"""

import logging
import subprocess
import sys
import threading
import time

import gridengine


def qmod(option):
    subprocess.run(["qmod", option, "all.q"], stdout=subprocess.DEVNULL, check=True)


def waits():
    return len(subprocess.check_output(["qstat", "-s", "p"])) > 0


class Said(logging.Handler):
    """Keeps what gridengine warns of."""

    text = ""

    def emit(self, record):
        self.text += record.getMessage()


if __name__ == "__main__":
    take, give = sys.argv[1:]
    said = Said()
    logging.getLogger("gridengine").addHandler(said)
    values = []
    qmod(take)
    try:
        program = threading.Thread(
            target=lambda: values.extend(gridengine.map(lambda x: x * x, [1, 2]))
        )
        program.start()
        while not (waits() and "wait" in said.text):
            time.sleep(0.1)
        named = "queue all.q is " in said.text and "ge-node1" in said.text
        print("waits, and says why:", named or said.text)
    finally:
        qmod(give)
    program.join()
    print(values)
