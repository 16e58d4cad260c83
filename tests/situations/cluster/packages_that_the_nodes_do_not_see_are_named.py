"""The nodes do not see the folder with the packages: the map fails with what Python says there.

Slow: it is tried three times
Site: hidden-package

$ python packages_that_the_nodes_do_not_see_are_named.py 2>&1 | tail -1
SchedulerError: queue job ... did not start: ...can't open file '...gridengine/worker'...
"""

import gridengine

if __name__ == "__main__":
    try:
        gridengine.map(abs, range(8), chunksize=1)
    except gridengine.SchedulerError as error:
        print("SchedulerError:", error)
