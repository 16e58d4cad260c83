"""Who has a few calls is not kept waiting until somebody's many are done: slots go round.

Slow: 100 calls of 2 seconds on 8 slots

$ python many_calls_do_not_keep_a_few_waiting.py many > many &
> while [ "$(ls | grep -c begun)" -lt 8 ]; do sleep 0.1; done
> python many_calls_do_not_keep_a_few_waiting.py few
> [ "$(ls | grep -c begun)" -lt 60 ] && echo most of the others have not begun
> wait; cat many
8 calls are done
most of the others have not begun
100 calls are done
"""

import sys
import time

import gridengine


def work(x):
    if x is not None:
        open(f"begun-{x}", "w").close()
    time.sleep(2)


if __name__ == "__main__":
    calls = range(100) if sys.argv[1] == "many" else [None] * 8
    with gridengine.schedulers.GridEngineScheduler(lifetime="6s") as scheduler:
        done = gridengine.map(work, calls, scheduler=scheduler, chunksize=1)
    print(len(done), "calls are done")
