"""`sys.setrecursionlimit` of the program is that of its jobs, before the first map and after it.

On: cores, cluster

$ python recursion_limit_later.py
3000 deep: [3000]
5000 deep: RecursionError
5000 deep: [5000]
"""

import sys

import gridengine


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def show(n):
    try:
        print(f"{n} deep:", gridengine.map(deep, [n]))
    except RecursionError:
        print(f"{n} deep: RecursionError")


if __name__ == "__main__":
    sys.setrecursionlimit(4000)
    show(3000)
    show(5000)
    sys.setrecursionlimit(6000)
    show(5000)
