"""What a function closes over travels once to each worker, as long as nothing in it has changed.

Needs: numpy

$ python large_closures_travel_once.py
the first map: right, it has travelled
the same again: right, nothing has travelled
after a change: right, it has travelled
as at first: right, nothing has travelled
and what a call changes is gone with its map: right, nothing has travelled
"""

import time

import numpy

import gridengine

table = numpy.zeros(2_000_000)


def work(x):
    time.sleep(0.05)
    table[1] += 1
    return table[0]


def sent():
    """Returns the bytes that this host has sent so far, to others."""
    with open("/proc/net/dev") as file:
        lines = [line.split() for line in file.readlines()[2:]]
    return sum(int(line[9]) for line in lines if line[0] != "lo:")


def show(what, function, expected):
    before = sent()
    answers = gridengine.map(function, range(12), chunksize=1)
    right = "right" if set(answers) == {expected} else answers
    travelled = "it has" if sent() - before > table.nbytes / 2 else "nothing has"
    print(f"{what}: {right}, {travelled} travelled")


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=2):
        # Both are there before the first of them gets anything large.
        gridengine.map(time.sleep, [0.5] * 4, chunksize=1)
        show("the first map", work, 0)
        show("the same again", work, 0)
        table[0] = 5
        show("after a change", work, 5)
        table[0] = 0
        show("as at first", work, 0)
        show("and what a call changes is gone with its map", work, 0)
