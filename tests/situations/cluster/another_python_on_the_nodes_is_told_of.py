"""Another version of Python lies on the nodes: the map fails with what that one says.

Slow: it is tried three times
Site: other-python

$ python another_python_on_the_nodes_is_told_of.py 2> said
SchedulerError: queue job ... did not start: ...it has printed: ...
"""

import gridengine

if __name__ == "__main__":
    try:
        gridengine.map(abs, range(8), chunksize=1)
    except gridengine.SchedulerError as error:
        print("SchedulerError:", error)
