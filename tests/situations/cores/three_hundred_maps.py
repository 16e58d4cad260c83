"""Three hundred maps, one after another, leave memory and descriptors as they were.

$ python three_hundred_maps.py
right: True
more descriptors: less than 20, more threads: 0, more memory: less than 30 MB
"""

import os
import resource
import threading

import gridengine

PAYLOAD = bytes(100_000)


def length(data, x):
    return len(data) + x


def maps(count):
    for number in range(count):
        values = gridengine.map(length, [PAYLOAD] * 10, range(number, number + 10))
        if values != [100_000 + number + x for x in range(10)]:
            return False
    return True


def state():
    descriptors = len(os.listdir("/dev/fd"))
    unit = 1024 if os.uname().sysname == "Linux" else 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return descriptors, threading.active_count(), peak


if __name__ == "__main__":
    right = maps(50)
    before = state()
    print("right:", maps(300) and right)
    descriptors, threads, memory = (now - then for now, then in zip(state(), before, strict=True))
    told = "less than 30 MB" if memory < 30e6 else f"{memory / 1e6:.0f} MB"
    # On a cluster each worker has one, and may come or leave meanwhile.
    opened = "less than 20" if descriptors < 20 else descriptors
    print(f"more descriptors: {opened}, more threads: {threads}, more memory: {told}")
