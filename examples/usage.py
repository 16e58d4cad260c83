"""Says what a job has used, with the programs that it has run, on whatever node it ran.

Not for ``GRIDENGINE_SCHEDULER=inline``, where nobody looks at it meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys

from gridengine import Job

PROGRAM = """
import time
held = bytearray(300_000_000)
while time.process_time() < 2:
    pass
"""


def simulate() -> None:
    """Runs a program that takes memory and time."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


if __name__ == "__main__":
    os.environ.setdefault("GRIDENGINE_SAMPLE_INTERVAL", "0.5")
    job = Job(target=simulate, name="simulate")
    job.start()
    job.join()
    usage = job.usage
    assert usage is not None
    print(
        f"{usage.wall:.1f} s, of processors {usage.tree_cpu:.1f} s; looked at {usage.samples} times"
    )
    print(
        f"memory: {usage.tree_peak_memory >> 20} MiB, its own process {usage.peak_memory >> 20} MiB"
    )
