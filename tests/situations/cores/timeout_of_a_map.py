"""The timeout of a map is kept: with slow calls, and while answers of quick ones stream in.

On: cores

$ python timeout_of_a_map.py
slow calls: TimeoutError, kept
endless: TimeoutError, kept
and the next map: [1, 4]
"""

import itertools
import time

import gridengine


def timed_out(name, seconds, f, items):
    begin = time.monotonic()
    try:
        gridengine.map(f, items, timeout=seconds)
    except TimeoutError as error:
        late = time.monotonic() - begin - seconds
        kind = "TimeoutError" if isinstance(error, gridengine.TimeoutError) else "another one"
        print(f"{name}: {kind}, {'kept' if 0 <= late < 0.5 else f'late by {late:.2f} s'}")


if __name__ == "__main__":
    gridengine.map(abs, [1])  # The workers are there.
    timed_out("slow calls", 0.3, time.sleep, [30] * 4)
    timed_out("endless", 1, lambda x: x, itertools.count())
    print("and the next map:", gridengine.map(lambda x: x * x, [1, 2]))
