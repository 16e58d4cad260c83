"""A map inside a job runs in the job's process, and is as anywhere else but for that.

Calls get copies, failures arrive as themselves, and no process is started for it.

$ python a_map_inside_a_job.py
squares [0, 1, 4, 9]
in the job's own process True
the caller's list [1, 2] of the call's [1, 2, 'changed']
error ZeroDivisionError: division by zero
in the place of values [1.0, 'ZeroDivisionError', 0.5]
from a generator [2, 4, 6]
three levels [[[0, 1], [0, 2]], [[0, 2], [0, 4]]]
"""

import contextlib
import io
import os

import gridengine


def square(x):
    return x * x


def change(numbers):
    numbers.append("changed")
    return numbers


def pid(_):
    return os.getpid()


def levels(factor):
    return gridengine.map(lambda x: gridengine.map(lambda y: factor * x * y, range(2)), [1, 2])


def job():
    print("squares", gridengine.map(square, range(4)))
    print("in the job's own process", gridengine.map(pid, range(3)) == [os.getpid()] * 3)
    mine = [1, 2]
    (theirs,) = gridengine.map(change, [mine])
    print("the caller's list", mine, "of the call's", theirs)
    try:
        gridengine.map(lambda x: 1 / x, [1, 0])
    except ZeroDivisionError as error:
        print(f"error {type(error).__name__}: {error}")
    values = gridengine.map(lambda x: 1 / x, [1, 0, 2], reraise=False)
    print(
        "in the place of values", [type(v).__name__ if gridengine.raised(v) else v for v in values]
    )
    print("from a generator", gridengine.map(lambda x: 2 * x, (x for x in (1, 2, 3))))
    print("three levels", gridengine.map(levels, [1, 2]))


def said():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        job()
    return out.getvalue()


if __name__ == "__main__":
    outer = gridengine.Job(target=said)
    outer.start()
    print(outer.result, end="")
