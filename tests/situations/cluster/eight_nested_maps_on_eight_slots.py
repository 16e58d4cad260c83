"""Eight maps within a map, on all eight slots: they run in place, and wait for nobody.

The nodes may submit queue jobs; yet no map of a job does.

Site: submit-nodes

$ python eight_nested_maps_on_eight_slots.py
eight sums: [285, 285, 285, 285, 285, 285, 285, 285]
each in its worker alone: True
queue jobs of this program at a time, at most 8: True
"""

import os
import subprocess

import gridengine


def square(x):
    return x * x, os.getpid()


def nested(_):
    values, workers = zip(*gridengine.map(square, range(10)), strict=True)
    queue = subprocess.run(["qstat"], capture_output=True, text=True).stdout
    return sum(values), set(workers) == {os.getpid()}, max(0, len(queue.splitlines()) - 2)


if __name__ == "__main__":
    sums, alone, queued = zip(*gridengine.map(nested, range(8), chunksize=1), strict=True)
    print("eight sums:", list(sums))
    print("each in its worker alone:", all(alone))
    print("queue jobs of this program at a time, at most 8:", max(queued) <= 8)
