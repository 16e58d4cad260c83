"""Of a map the one call that needs more memory than the others gets it, and they stay as they are.

Slow: workers of three kinds start

$ python a_call_that_needs_more_memory_gets_it.py
[1, 1300, 2]
MemoryError
... it was tried with h_vmem 1G and 2G
"""

import gridengine


def take(megabytes):
    return len(bytearray(megabytes * 2**20)) // 2**20


if __name__ == "__main__":
    steps = {"h_vmem": ["1G", "2G"]}
    with gridengine.schedulers.GridEngineScheduler():
        print(gridengine.map(take, [1, 1300, 2], escalate=steps))
        (error,) = gridengine.map(take, [9000], escalate=steps, reraise=False)
    print(type(error).__name__)
    print(*error.__notes__)
