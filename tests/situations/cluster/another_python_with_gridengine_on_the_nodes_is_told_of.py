"""The nodes have another Python, which finds gridengine: the map fails with both versions.

Slow: it is tried until no node is left
Site: other-python-with-gridengine

$ python another_python_with_gridengine_on_the_nodes_is_told_of.py 2> warnings
SchedulerError: ... runs cpython 3..., this program cpython 3...: functions travel as bytecode, ...
True
$ grep -c "did not start: .* runs cpython 3.*, this program cpython 3" warnings
...
"""

import sys

import gridengine

if __name__ == "__main__":
    try:
        gridengine.map(abs, range(8), chunksize=1)
    except gridengine.SchedulerError as error:
        print("SchedulerError:", error)
        print("this program cpython %d.%d.%d:" % sys.version_info[:3] in str(error))
