"""All slots are taken by others: the program waits, says so, and goes on when there is one.

Slow: it says so after some seconds

$ python a_full_cluster.py
waits for others: True
[1, 4]
"""

import logging
import subprocess
import threading
import time

import gridengine

QSUB = "qsub -terse -b y -o /dev/null -j y -t 1-8 sleep 600"


class Said(logging.Handler):
    """Keeps what gridengine warns of."""

    text = ""

    def emit(self, record):
        self.text += record.getMessage()


if __name__ == "__main__":
    said = Said()
    logging.getLogger("gridengine").addHandler(said)
    other = subprocess.check_output(QSUB.split(), text=True).split(".")[0]
    try:
        while subprocess.check_output(["qstat", "-s", "r"], text=True).count(" r ") < 8:
            time.sleep(0.1)
        values = []
        program = threading.Thread(
            target=lambda: values.extend(gridengine.map(lambda x: x * x, [1, 2]))
        )
        program.start()
        while "wait" not in said.text:
            time.sleep(0.1)
        print("waits for others:", not values)
    finally:
        subprocess.run(["qdel", other], stdout=subprocess.DEVNULL)
    program.join()
    print(values)
