"""A firewall that drops what nodes send, and TCP alone: the map fails within a minute, and says why.

Slow: waits until the workers have given up
Site: firewall-drop

$ GRIDENGINE_CHANNEL=tcp python a_firewall_that_drops_is_told_of.py 2> warnings
SchedulerError: ...tcp://10.77.0.1:...: no answer...
within a minute: True
$ head -1 warnings
... did not start: ge-node... has not reached this program within 10 s: tcp://10.77.0.1:...
$ grep -c "no answer, as behind a firewall.*GRIDENGINE_PORTS=54000-54100.*GRIDENGINE_HOST" warnings
...
"""

import time

import gridengine

if __name__ == "__main__":
    began = time.monotonic()
    try:
        gridengine.map(abs, range(8), chunksize=1)
    except gridengine.SchedulerError as error:
        print("SchedulerError:", error)
    print("within a minute:", time.monotonic() - began < 60)
