"""A limit of processes: it works with the workers that can be had, or says that there are none.

On: cores
Needs: root

$ as_user() { prlimit --nproc=$1 setpriv --ruid $2 --bounding-set=-sys_resource,-sys_admin "${@:3}"; }
> as_user 16 54321 python a_limit_of_processes.py
[0, 2, 4, 6, 8]
$ as_user() { prlimit --nproc=$1 setpriv --ruid $2 --bounding-set=-sys_resource,-sys_admin "${@:3}"; }
> as_user 8 54322 python a_limit_of_processes.py
gridengine: only ... workers can be started: Resource temporarily unavailable; the limit of processes ...
[0, 2, 4, 6, 8]
$ as_user() { prlimit --nproc=$1 setpriv --ruid $2 --bounding-set=-sys_resource,-sys_admin "${@:3}"; }
> as_user 4 54323 python a_limit_of_processes.py 2>&1 | grep ^gridengine.errors
gridengine.errors.SchedulerError: ...
"""

import time

import gridengine


def double(x):
    # Long enough for the other workers to be tried.
    time.sleep(0.5)
    return 2 * x


if __name__ == "__main__":
    scheduler = gridengine.schedulers.ProcessScheduler(8)
    print(gridengine.map(double, range(5), scheduler=scheduler))
