"""Workers that are idle leave, while the program goes on; the next map gets new ones.

$ GRIDENGINE_LINGER=0.5 python slots_are_given_back.py
[0, 1, 4] on the cluster
no queue job is left
[0, 1, 8]
"""

import subprocess
import time

import gridengine


def queue_jobs():
    return subprocess.run(["qstat"], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    values = gridengine.map(lambda x: x * x, range(3))
    print(values, "on the cluster" if queue_jobs() else "elsewhere")
    while queue_jobs():
        time.sleep(0.1)
    print("no queue job is left")
    print(gridengine.map(lambda x: x**3, range(3)))
