"""The nodes have another version of gridengine: the map fails with both versions.

Slow: it is tried until no node is left
Site: other-gridengine

$ python another_gridengine_on_the_nodes_is_told_of.py 2> warnings
SchedulerError: ... has gridengine 0.0.7, this program ...: they do not understand each other; ...
True
$ grep -c "did not start: .* has gridengine 0.0.7, this program" warnings
...
"""

import gridengine

if __name__ == "__main__":
    try:
        gridengine.map(abs, range(8), chunksize=1)
    except gridengine.SchedulerError as error:
        print("SchedulerError:", error)
        print(f"this program {gridengine.__version__}:" in str(error))
