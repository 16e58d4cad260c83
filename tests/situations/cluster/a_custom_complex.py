"""A resource of the site's own, of which a node has one: no two jobs that ask for it at once.

Needs: root

$ qconf -sc > before; { cat before; echo 'licence lic INT <= YES YES 0 0'; } > after
> qconf -Mc after &> log; qconf -mattr exechost complex_values licence=1 ge-node1 &>> log
> python a_custom_complex.py || cat log
4 jobs, never 2 at once, on ge-node1
$ qconf -dattr exechost complex_values licence=1 ge-node1 &> log; qconf -Mc before &>> log
> qconf -sc | grep licence || true
"""

import os
import socket
import time

import gridengine


def work(x):
    # Two at once would find each other's file.
    os.close(os.open("licence", os.O_CREAT | os.O_EXCL))
    time.sleep(0.1)
    os.remove("licence")
    return socket.gethostname()


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(licence=1) as scheduler:
        hosts = gridengine.map(work, range(4), scheduler=scheduler, chunksize=1)
        print(f"{len(hosts)} jobs, never 2 at once, on {', '.join(sorted(set(hosts)))}")
