"""A child that `os.fork` made of a program with workers has workers of its own.

On: cores, cluster

$ python a_map_after_fork.py
parent [0, 1, 4]
child [0, 1, 8] 9
parent again [0, 1, 4] status 0
"""

import os

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    print("parent", gridengine.map(square, range(3)), flush=True)
    child = os.fork()
    if child == 0:
        job = gridengine.Job(target=square, args=(3,))
        job.start()
        print("child", gridengine.map(lambda x: x**3, range(3)), job.result)
    else:
        _, status = os.waitpid(child, 0)
        print("parent again", gridengine.map(square, range(3)), "status", status)
