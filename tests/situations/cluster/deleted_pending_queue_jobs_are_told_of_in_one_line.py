"""Somebody deletes all pending queue jobs of an array: that is said, in one line for all of them.

$ python deleted_pending_queue_jobs_are_told_of_in_one_line.py
SchedulerError: queue job ... did not start: DRMAA: deleted before it ran...
queue jobs in one line: 8
"""

import logging
import os
import re
import subprocess
import threading
import time

import gridengine


class Keep(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())


def delete_all():
    while not (told := subprocess.run(["qstat"], capture_output=True, text=True).stdout):
        time.sleep(0.1)
    subprocess.run(["qdel", told.split("\n")[2].split()[0]], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    os.environ["GRIDENGINE_RESUBMISSIONS"] = "0"
    lines = []
    logging.getLogger("gridengine").addHandler(Keep())
    threading.Thread(target=delete_all).start()
    with gridengine.schedulers.GridEngineScheduler(native="-h") as scheduler:
        try:
            gridengine.map(abs, range(8), chunksize=1, scheduler=scheduler)
        except gridengine.SchedulerError as error:
            print("SchedulerError:", error)
    for line in lines:
        told = re.match(r"(\d+) queue jobs .* did not start: DRMAA: deleted", line)
        print("queue jobs in one line:", told[1] if told else line)
