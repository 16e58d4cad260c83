"""`terminate` raises SystemExit in the job, so that it clears up; `kill` does not.

$ python a_terminated_job_clears_up.py
terminate: cancelled, -15, cleared up: True
kill: cancelled, -9, cleared up: False
"""

import pathlib
import time

import gridengine


def work(name):
    try:
        pathlib.Path(f"{name} runs").touch()
        time.sleep(600)
    except SystemExit:
        pathlib.Path(f"{name} cleared up").touch()
        raise


if __name__ == "__main__":
    for end in ("terminate", "kill"):
        job = gridengine.Job(target=work, args=(end,))
        job.start()
        while not pathlib.Path(f"{end} runs").exists():
            time.sleep(0.02)
        getattr(job, end)()
        job.join()
        cleared = pathlib.Path(f"{end} cleared up").exists()
        print(f"{end}: {job.state.value}, {job.exitcode}, cleared up: {cleared}")
