import argparse
from array import array
from pathlib import Path

import gridengine

CONFIG = None
HERE = Path("data")
THERE = Path("data")
WEIGHTS = array("d", [0])
OPTIONS = argparse.Namespace(level=0)


def main():
    global CONFIG
    CONFIG = {"a": 1}
    print(gridengine.map(lambda x: CONFIG, [1]))


def objects():
    """Sets a global that was an object before, and changes others in place."""
    global THERE
    THERE = HERE / "run"
    WEIGHTS[0] = 2
    OPTIONS.level = 5
    print(*gridengine.map(lambda x: [HERE, THERE, WEIGHTS.tolist(), OPTIONS.level], [1])[0])


def by_turns():
    """Sets a global to an object, to None, and to the object again."""
    global CONFIG
    for CONFIG in (HERE, None, HERE):
        print(*gridengine.map(lambda x: CONFIG, [1]))
