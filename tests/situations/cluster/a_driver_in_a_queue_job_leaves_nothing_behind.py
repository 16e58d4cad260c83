"""A program that runs in a queue job leaves no queue jobs behind, however that one ends.

It is deleted (qdel), or runs over its time (h_rt). The Grid Engine kills its session process with
it, so that its own queue jobs find out: they end, and delete what waits behind them. Here they may
do so on one of the two nodes only: the other is no submit host.

Needs: root

Slow: waits out the patience, which is set to 4 seconds

$ python a_driver_in_a_queue_job_leaves_nothing_behind.py
qdel: the driver and 7 of its queue jobs run, others wait
within 40 s nothing is left in the queue
h_rt: the driver and 7 of its queue jobs run, others wait
within 40 s nothing is left in the queue
$ find ~ -name 'run-*' -o -name '*.json'
"""

import os
import subprocess
import sys
import time

import gridengine
from gridengine.schedulers import GridEngineScheduler


def driver() -> None:
    with GridEngineScheduler(max_workers=60) as scheduler:
        gridengine.map(time.sleep, [600] * 60, scheduler=scheduler, chunksize=1)


def queue(state: str) -> int:
    """Counts the queue jobs in a state: r, p for those that wait, a for all."""
    told = subprocess.run(
        ["qstat", "-s", state, "-g", "d", "-u", "*"], check=True, capture_output=True, text=True
    )
    return max(0, len(told.stdout.splitlines()) - 2)


def until(what: str, condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            print("not within", seconds, "s:", what)
            subprocess.run(["qstat", "-g", "d", "-u", "*"], check=True)
            break
        time.sleep(0.5)
    else:
        print(what, flush=True)


def submit(*options: str) -> str:
    setting = "GRIDENGINE_PATIENCE=4,GRIDENGINE_HEARTBEAT=1"
    command = [sys.executable, os.path.abspath(__file__), "driver"]
    done = subprocess.run(
        ["qsub", "-terse", "-V", "-cwd", "-o", "driver.log", "-j", "y", "-v", setting, *options,
         "-b", "y", *command],
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    return done.stdout.strip()


def main() -> None:
    node = subprocess.run(["qconf", "-sel"], check=True, capture_output=True, text=True).stdout
    node = node.split()[0]
    subprocess.run(["qconf", "-as", node], check=True, capture_output=True)
    try:
        drive(["-l", f"hostname={node}"])
    finally:
        subprocess.run(["qconf", "-ds", node], check=True, capture_output=True)


def drive(where: list[str]) -> None:
    for how, options in (("qdel", []), ("h_rt", ["-l", "h_rt=20"])):
        job = submit(*where, *options)
        until(
            f"{how}: the driver and 7 of its queue jobs run, others wait",
            lambda: queue("r") == 8 and queue("p") > 0,
        )
        if how == "qdel":
            subprocess.run(["qdel", job], check=True, stdout=subprocess.DEVNULL)
        until("within 40 s nothing is left in the queue", lambda: queue("a") == 0, 60)


if __name__ == "__main__":
    driver() if "driver" in sys.argv else main()
