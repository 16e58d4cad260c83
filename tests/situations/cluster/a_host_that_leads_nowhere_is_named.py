"""GRIDENGINE_HOST is another host's address: the map fails, and says what nodes have met with.

Slow: waits until the workers have given up

$ GRIDENGINE_CHANNEL=tcp GRIDENGINE_HOST=8.8.8.8 python a_host_that_leads_nowhere_is_named.py 2> warnings
SchedulerError: ge-node... has not reached this program within ...: tcp://8.8.8.8:...
"""

import gridengine

if __name__ == "__main__":
    try:
        gridengine.map(abs, range(8), chunksize=1)
    except gridengine.SchedulerError as error:
        print("SchedulerError:", error)
