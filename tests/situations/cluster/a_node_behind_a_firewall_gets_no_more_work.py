"""One node of two cannot reach the program, TCP alone: that is said; the other one does all.

Slow: waits until the workers there have given up
Site: firewall-drop-one

$ GRIDENGINE_CHANNEL=tcp GRIDENGINE_CONNECT_TIMEOUT=4 python a_node_behind_a_firewall_gets_no_more_work.py
... did not start: ge-node1 has not reached this program within 4 s: ...: no answer, ...
asked for again: hard resource_list: hostname=!(ge-node1|ge-node1.*)
done on ge-node2 alone: 100
"""

import os
import subprocess
import threading
import time

import gridengine


def where(x):
    time.sleep(1)
    return os.uname().nodename


def find_request():
    """Waits until queue jobs are pending that are not to run on a node."""
    while True:
        told = subprocess.run(["qstat", "-j", "*"], capture_output=True, text=True).stdout
        for line in told.splitlines():
            if "!" in line:
                requests.append(" ".join(line.split()))
                return
        time.sleep(0.5)


if __name__ == "__main__":
    requests = []
    threading.Thread(target=find_request, daemon=True).start()
    done = gridengine.map(where, range(100), chunksize=1)
    print("asked for again:", *requests)
    print(f"done on {' and '.join(sorted(set(done)))} alone: {len(done)}")
