"""The timeout of a map is kept, however many answers come.

On: cores
Slow: it waits for timeouts

$ python map_timeout_while_answers_stream.py
without an end: TimeoutError, within 2.5 s: True
very many: TimeoutError, within 2.5 s: True
slow calls: TimeoutError, within 2.5 s: True
the next map: [4]
"""

import itertools
import time

import gridengine


def run(what, f, items):
    began = time.monotonic()
    try:
        gridengine.map(f, items, timeout=1)
    except TimeoutError as error:
        soon = time.monotonic() - began < 2.5
        print(f"{what}: {type(error).__name__}, within 2.5 s: {soon}")


if __name__ == "__main__":
    gridengine.map(abs, [1])
    run("without an end", lambda x: x, itertools.count())
    run("very many", abs, range(60_000_000))
    run("slow calls", time.sleep, [600] * 4)
    print("the next map:", gridengine.map(abs, [-4]))
