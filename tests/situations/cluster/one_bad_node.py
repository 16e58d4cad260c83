"""One node of two cannot start anything (its queue falls into error): the other does the work.

Needs: root

$ qconf -mattr queue prolog /bin/false all.q@ge-node1 &> log
> python one_bad_node.py 2> said || cat said
> qconf -purge queue prolog all.q@ge-node1 &> log; qmod -c all.q@ge-node1 &> log
16 right, on ['ge-node2']
"""

import socket
import time

import gridengine


def work(x):
    time.sleep(0.2)
    return x, socket.gethostname()


if __name__ == "__main__":
    done = gridengine.map(work, range(16))
    right = sum(x == n for n, (x, _) in enumerate(done))
    print(right, "right, on", sorted({host for _, host in done}))
