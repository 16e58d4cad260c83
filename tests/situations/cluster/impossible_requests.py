"""What no queue can ever give is refused at once, in the batch system's words; the rest goes on.

$ python impossible_requests.py
no such resource: unknown resource "no_such_thing"
no such queue: no suitable queues
too many slots: no suitable queues
a wrong value: h_rt
all right: [1, 4]
"""

import gridengine
from gridengine.schedulers import GridEngineScheduler


def told(name, words, **requests):
    with GridEngineScheduler(**requests) as scheduler:
        try:
            print(name, gridengine.map(abs, [1], scheduler=scheduler))
        except gridengine.SchedulerError as error:
            print(f"{name}: {words if words in str(error) else error}")


if __name__ == "__main__":
    told("no such resource", 'unknown resource "no_such_thing"', no_such_thing=1)
    told("no such queue", "no suitable queues", queue="nowhere")
    told("too many slots", "no suitable queues", slots=99, parallel_environment="smp")
    told("a wrong value", "h_rt", h_rt="soon")
    with GridEngineScheduler() as scheduler:
        print("all right:", gridengine.map(lambda x: x * x, [1, 2], scheduler=scheduler))
