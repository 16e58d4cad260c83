"""With little address space a map goes on; a job that needs more gets a MemoryError that says so.

On: cores

$ ulimit -v 150000; python a_limit_of_address_space.py
[0, 2, 4, 6, 8]
MemoryError
out of memory: the worker had ... resident of 146M of address space ...
"""

import gridengine


def double(x):
    return 2 * x


def large(x):
    return len(bytearray(10**9))


if __name__ == "__main__":
    scheduler = gridengine.schedulers.ProcessScheduler(2)
    print(gridengine.map(double, range(5), scheduler=scheduler))
    try:
        gridengine.map(large, [1], scheduler=scheduler)
    except MemoryError as error:
        print(type(error).__name__)
        print(*getattr(error, "__notes__", ())[:1], sep="\n")
