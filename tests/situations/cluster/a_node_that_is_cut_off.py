"""A node that is cut off for 10 seconds, and one for longer than the patience: no work is lost.

Needs: root
Slow: two cuts, of 10 and of some 15 seconds

$ GRIDENGINE_PATIENCE=30 python a_node_that_is_cut_off.py 10 2> said || cat said
cut for 10 s
16 right
$ GRIDENGINE_PATIENCE=6 GRIDENGINE_HEARTBEAT=1 python a_node_that_is_cut_off.py 15 2> said || cat said
cut for 15 s
16 right
"""

import subprocess
import sys
import threading
import time

import gridengine


def work(x):
    with open(f"started-{x}", "w"):
        time.sleep(1.5)
    return x


def link(state):
    subprocess.run(["ip", "-n", "ge-node1", "link", "set", "eth0", state], check=True)


def cut(scheduler, seconds):
    while not any(queue.endswith("node1") for queue in queues()):
        time.sleep(0.1)
    link("down")
    try:
        print(f"cut for {seconds} s", flush=True)
        time.sleep(seconds)
    finally:
        link("up")


def queues():
    told = subprocess.check_output(["qstat", "-s", "r"], text=True).splitlines()[2:]
    return [line.split()[7] for line in told]


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler() as scheduler:
        seconds = int(sys.argv[1])
        cutter = threading.Thread(target=cut, args=(scheduler, seconds))
        cutter.start()
        done = gridengine.map(work, range(16), scheduler=scheduler, chunksize=1)
        print(sum(x == n for n, x in enumerate(done)), "right")
        cutter.join()
