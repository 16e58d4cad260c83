"""From another terminal, `gridengine status` shows what a program is doing; and nothing when it has ended.

Slow: other commands start, as in tests/cli/test_status.py

$ python -m gridengine status
no program of yours runs jobs on this host...
$ python what_a_program_does_is_seen_from_outside.py & until test -e ready; do sleep 0.05; done; python -m gridengine status; touch go; wait
process ..., python... what_a_program_does_is_seen_from_outside.py, in ..., since ...
  ProcessScheduler(max_workers=2)
  0 done, 2 running, 1 waiting, 2 workers

  WORKER...
  ... simulate ...
  ... simulate ...
[0, 1, 2]
$ python -m gridengine status
no program of yours runs jobs on this host...
"""

import os
import threading
import time
from pathlib import Path

import gridengine
from gridengine.schedulers import ProcessScheduler


def simulate(x):
    Path(f"began-{x}").touch()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return x


def tell_when_ready():
    folder = Path("~/.gridengine/programs").expanduser()
    while len(list(Path().glob("began-*"))) < 2 or not list(folder.glob("*.socket")):
        time.sleep(0.01)
    Path("ready").touch()


if __name__ == "__main__":
    threading.Thread(target=tell_when_ready).start()
    print(gridengine.map(simulate, range(3), scheduler=ProcessScheduler(2), chunksize=1))
