"""A program that only maps gives its queue jobs back: none ends as failed, and nothing is left.

$ python the_end_of_a_program_that_only_maps.py
[1, 2, 3]
queue jobs that are left: 0
run folders that are left: 0
ended as failed: 0 of some
"""

import os
import pathlib
import re
import subprocess
import sys
import time

import gridengine


def shell(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def together(x):
    """Waits until all three are at work, so that no queue job is there in vain."""
    pathlib.Path(f"at work {x}").touch()
    while not all(pathlib.Path(f"at work {each}").exists() for each in (1, 2, 3)):
        time.sleep(0.05)
    return x


if len(sys.argv) > 1:
    print(gridengine.map(together, [1, 2, 3], chunksize=1), flush=True)
    with open("queue jobs", "w") as file:
        file.write(shell("qstat"))
    sys.exit()

subprocess.run([sys.executable, __file__, "program"], check=True)
ours = set(re.findall(r"^ *(\d+) ", pathlib.Path("queue jobs").read_text(), re.MULTILINE))
end = time.monotonic() + 30
while (left := ours.intersection(shell("qstat").split())) and time.monotonic() < end:
    time.sleep(0.1)
print("queue jobs that are left:", len(left))
folder = os.environ.get("GRIDENGINE_RUN_DIR") or os.path.expanduser("~/.gridengine")
print("run folders that are left:", len(list(pathlib.Path(folder).glob("run-*"))))
accounts = [shell("qacct", "-j", number) for number in sorted(ours)]
while not all(accounts) and time.monotonic() < end:
    time.sleep(0.5)
    accounts = [shell("qacct", "-j", number) for number in sorted(ours)]
failed = re.findall(r"^failed +([1-9]\d*.*)$", "".join(accounts), re.MULTILINE)
print(f"ended as failed: {len(failed)} of {'some' if ours else 'none'}", *failed)
