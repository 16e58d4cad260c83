"""A node's execution daemon is killed, and started again: its jobs go on, and are told apart.

Needs: root
Slow: it is away for some seconds

$ python execution_daemon_killed.py 2> said || cat said
killed
4 right, in one attempt each: True
"""

import os
import subprocess
import time

import psutil

import gridengine


def work(x):
    open(f"started-{x}", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.05)
    return x


def execution_daemon():
    told = subprocess.run(["ip", "netns", "pids", "ge-node1"], capture_output=True, text=True)
    for pid in map(int, told.stdout.split()):
        if psutil.pid_exists(pid) and psutil.Process(pid).name() == "sge_execd":
            return pid


def kill_and_start_again(pid):
    # On its own host, and as at the start of that: it has nothing of this program.
    environ = {name: os.environ[name] for name in ("SGE_ROOT", "SGE_CELL")}
    environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    words = f"kill -9 {pid}; echo killed; sleep 5; exec /usr/sbin/sge_execd"
    command = ["nsenter", "-t", str(pid), "-u", "-m", "-n", "sh", "-c", words]
    subprocess.run(command, env=environ, cwd="/", check=True)


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=4) as scheduler:
        jobs = [gridengine.Job(target=work, args=(x,), scheduler=scheduler) for x in range(4)]
        for job in jobs:
            job.start()
        while len([name for name in os.listdir() if name.startswith("started")]) < 4:
            time.sleep(0.05)
        kill_and_start_again(execution_daemon())
        open("go on", "w").close()
        right = sum(job.result == x for x, job in enumerate(jobs))
        print(f"{right} right, in one attempt each:", all(job.attempts == 1 for job in jobs))
