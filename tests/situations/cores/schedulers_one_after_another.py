"""Schedulers may be opened and closed one after another for ever: nothing is used up.

On: cores
Slow: many schedulers start

$ ulimit -n 32; python schedulers_one_after_another.py
right: True, more descriptors: 0, more threads: 0
"""

import os
import threading

import gridengine


def run(count):
    for number in range(count):
        with gridengine.schedulers.ProcessScheduler(1) as scheduler:
            if gridengine.map(abs, [-number], scheduler=scheduler) != [number]:
                return False
    return True


def state():
    return len(os.listdir("/dev/fd")), threading.active_count()


if __name__ == "__main__":
    right = run(5)
    before = state()
    right = run(25) and right
    descriptors, threads = (now - then for now, then in zip(state(), before, strict=True))
    print(f"right: {right}, more descriptors: {descriptors}, more threads: {threads}")
