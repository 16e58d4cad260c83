"""A map raises as soon as one of its calls has, though calls before it still run.

$ python an_early_error_in_a_map.py
call 1 has failed, in less than 20 s: True
"""

import time

import gridengine


def work(x):
    if x == 1:
        raise ValueError(f"call {x} has failed")
    time.sleep(600)


if __name__ == "__main__":
    began = time.monotonic()
    try:
        gridengine.map(work, range(2), chunksize=1)
    except ValueError as error:
        print(f"{error}, in less than 20 s: {time.monotonic() - began < 20}")
