"""What is only measured, as mem_free where the site sets none, is had without DRMAA's check.

$ python measured_resources.py
with the check: error: no suitable queues
without it: [1, 4]
"""

import gridengine
from gridengine.schedulers import GridEngineScheduler


def told(what, **requests):
    with GridEngineScheduler(mem_free="1M", **requests):
        try:
            print(f"{what}:", gridengine.map(lambda x: x * x, [1, 2]))
        except gridengine.SchedulerError as error:
            print(f"{what}:", error)


if __name__ == "__main__":
    told("with the check")
    told("without it", native="-w n")
