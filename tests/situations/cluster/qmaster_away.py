"""The qmaster is away while a program works: workers go on, and new ones come when it is back.

Needs: root
Slow: it is away for some seconds, and the nodes take some to find it
Site: restarted

$ python qmaster_away.py 2> said || cat said
40 right without the qmaster
1 right when it is back
"""

import os
import signal
import subprocess
import time

import psutil

import gridengine


def work(x):
    open(f"started-{x}", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.02)
    return x


def qmasters():
    told = subprocess.run(["ip", "netns", "pids", "ge-submit"], capture_output=True, text=True)
    for pid in map(int, told.stdout.split()):
        try:
            if psutil.Process(pid).name() == "sge_qmaster":
                yield pid
        except psutil.NoSuchProcess:
            continue


def start_qmaster():
    # As at the start of the host: it has nothing of this program.
    environ = {name: os.environ[name] for name in ("SGE_ROOT", "SGE_CELL")}
    environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    subprocess.run(["/usr/sbin/sge_qmaster"], env=environ, cwd="/", check=True)


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=4) as scheduler:
        jobs = [gridengine.Job(target=work, args=(x,), scheduler=scheduler) for x in range(40)]
        for job in jobs:
            job.start()
        while not os.path.exists("started-0"):
            time.sleep(0.02)
        # One that the qmaster does not know to run yet it would believe to be starting for ever.
        while b" r " not in subprocess.check_output(["qstat"]) or b" t " in subprocess.check_output(
            ["qstat"]
        ):
            time.sleep(0.1)
        for pid in qmasters():
            os.kill(pid, signal.SIGKILL)
        try:
            open("go on", "w").close()
            right = sum(job.result == x for x, job in enumerate(jobs))
            print(right, "right without the qmaster", flush=True)
            later = gridengine.Job(target=work, args=(1,), scheduler=scheduler)
            later.start()
            time.sleep(10)
        finally:
            start_qmaster()
        print(later.result, "right when it is back", flush=True)
    # The process that speaks with it stays until it has said that the queue jobs are over.
    while psutil.Process().children():
        time.sleep(0.1)
