"""Workers that are bound to cores, where the nodes can do that.

$ python binding.py
[1, 4]
"""

import gridengine

if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(native="-binding linear:1") as scheduler:
        print(gridengine.map(lambda x: x * x, [1, 2], scheduler=scheduler))
