"""GRIDENGINE_RUN_DIR is a relative path: it is that from where the program started.

$ GRIDENGINE_RUN_DIR=run python a_relative_run_folder_is_taken_from_here.py
[0, 1, 4, 9]
$ ls -A run
sessions
"""

import os

import gridengine

if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler() as scheduler:
        job = gridengine.Job(target=abs, args=(-1,), scheduler=scheduler)
        job.start()
        os.chdir("/")
        print(gridengine.map(lambda x: x * x, range(4), scheduler=scheduler))
        job.join()
