"""The qmaster is away while a program works: workers go on, and new ones come when it is back.

Needs: root
Slow: it is away for some seconds, and the nodes take some to find it

$ python qmaster_away.py 2> said || cat said
40 right without the qmaster
40 right when it is back
"""

import os
import signal
import subprocess
import time

import psutil

import gridengine


def work(x):
    time.sleep(0.05)
    return x


def qmasters():
    told = subprocess.run(["ip", "netns", "pids", "ge-submit"], capture_output=True, text=True)
    for pid in map(int, told.stdout.split()):
        try:
            if psutil.Process(pid).name() == "sge_qmaster":
                yield pid
        except psutil.NoSuchProcess:
            continue


def answers():
    return subprocess.run(["qconf", "-sh"], capture_output=True).returncode == 0


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler() as scheduler:
        gridengine.map(work, range(8), scheduler=scheduler)
        for pid in qmasters():
            os.kill(pid, signal.SIGKILL)
        while answers():
            time.sleep(0.1)
        done = gridengine.map(work, range(40), scheduler=scheduler)
        print(sum(x == n for n, x in enumerate(done)), "right without the qmaster")
        time.sleep(10)
        environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        subprocess.run(["/usr/sbin/sge_qmaster"], env=environ, check=True)
        while not answers():
            time.sleep(0.1)
        done = gridengine.map(work, range(40), scheduler=scheduler)
        print(sum(x == n for n, x in enumerate(done)), "right when it is back")
