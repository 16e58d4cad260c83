"""In a PID namespace without its own /proc, and without any, maps go on; so do large results.

On: cores
Needs: root

$ timeout 50 unshare -pf python without_a_proc_of_its_own.py
process 1
[0, 2, 4, 6, 8]
2 values of 5000000 bytes
$ timeout 50 unshare -m sh -c 'mount -t tmpfs none /proc; python without_a_proc_of_its_own.py'
process ...
[0, 2, 4, 6, 8]
2 values of 5000000 bytes
"""

import os

import gridengine


def double(x):
    return 2 * x


if __name__ == "__main__":
    print("process", os.getpid())
    scheduler = gridengine.schedulers.ProcessScheduler(2)
    print(gridengine.map(double, range(5), scheduler=scheduler))
    values = gridengine.map(double, [bytes(2_500_000)] * 2, scheduler=scheduler)
    print(f"{len(values)} values of {len(values[0])} bytes")
