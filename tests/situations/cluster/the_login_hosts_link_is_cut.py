"""The host with the program loses its network for some seconds: no work is lost, none done twice.

Needs: root
Slow: it is cut for some seconds, and connections take some to come back

$ python the_login_hosts_link_is_cut.py 2> said || cat said
cut
16 right, in one attempt each: True
"""

import os
import subprocess
import time

import gridengine


def work(x):
    open(f"started-{x}", "w").close()
    while not os.path.exists("go on"):
        time.sleep(0.05)
    return x


def link(state):
    subprocess.run(["ip", "-n", "ge-submit", "link", "set", "eth0", state], check=True)


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=4) as scheduler:
        jobs = [gridengine.Job(target=work, args=(x,), scheduler=scheduler) for x in range(16)]
        for job in jobs:
            job.start()
        while not os.path.exists("started-0"):
            time.sleep(0.05)
        link("down")
        try:
            print("cut", flush=True)
            open("go on", "w").close()
            time.sleep(8)
        finally:
            link("up")
        right = sum(job.result == x for x, job in enumerate(jobs))
        print(f"{right} right, in one attempt each:", all(job.attempts == 1 for job in jobs))
