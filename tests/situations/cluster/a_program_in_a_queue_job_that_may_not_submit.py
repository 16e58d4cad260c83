"""A program in a queue job, on a node that may not submit: it has the cores that it was granted.

That the node may administrate, as at many a site, does not help.

Needs: root
Slow: four queue jobs, one after the other

$ python a_program_in_a_queue_job_that_may_not_submit.py
one slot: ProcessScheduler(max_workers=1) [0, 1, 4]
two slots: ProcessScheduler(max_workers=2) [0, 1, 4]
an administrative host: ProcessScheduler(max_workers=1) [0, 1, 4]
a Grid Engine asked for by name: SchedulerUnavailable ... host "ge-node1" ... submit ...
"""

import os
import subprocess
import sys

import gridengine


def square(x):
    return x * x


def run(title, *options, **environ):
    output = os.path.abspath("output")
    qsub = "qsub -sync y -b y -V -cwd -j y -l hostname=ge-node1 -o".split()
    subprocess.run(
        [*qsub, output, *options, sys.executable, __file__, "program"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, **environ},
    )
    with open(output) as file:
        said = [line for line in file.read().splitlines() if line.startswith("=")]
    os.remove(output)
    print(f"{title}:", *(line[1:] for line in said))


def program():
    try:
        scheduler = gridengine.schedulers.best_available()
        print(f"={scheduler}", gridengine.map(square, range(3)))
    except gridengine.SchedulerUnavailable as error:
        print(f"={type(error).__name__} {error}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        program()
    else:
        run("one slot")
        run("two slots", "-pe", "smp", "2")
        subprocess.run(["qconf", "-ah", "ge-node1"], capture_output=True, check=True)
        try:
            run("an administrative host")
            run("a Grid Engine asked for by name", GRIDENGINE_SCHEDULER="grid_engine")
        finally:
            subprocess.run(["qconf", "-dh", "ge-node1"], capture_output=True, check=True)
