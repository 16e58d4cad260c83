"""`os.chdir` after the first map: jobs run where the program is when they are started.

On: cores, cluster

$ python chdir_later.py
['data.txt of work']
['data.txt of one', 'data.txt of one']
['data.txt of one', 'data.txt of two', 'data.txt of one', 'data.txt of two']
"""

import os
from pathlib import Path

import gridengine


def read(_=None):
    return Path("data.txt").read_text()


def main():
    here = Path.cwd()
    for folder in (here, here / "one", here / "two"):
        folder.mkdir(exist_ok=True)
        (folder / "data.txt").write_text(f"data.txt of {folder.name}")
    print(gridengine.map(read, [0]))
    os.chdir("one")
    print(gridengine.map(read, range(2)))
    jobs = []
    for folder in ("one", "two", "one", "two"):
        os.chdir(here / folder)
        jobs.append(gridengine.Job(target=read))
        jobs[-1].start()
    print([job.result for job in jobs])


if __name__ == "__main__":
    main()
