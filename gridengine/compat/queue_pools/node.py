"""Runs on a node: one chunk of a map, from its file to the file of its results."""

from __future__ import annotations

import os
import pickle
import sys

from . import files, outcomes, packing


def main(tasks: str) -> int:
    """Runs the tasks in a file; what is left of it are files beside that. Returns exit status 0."""
    folder = os.path.dirname(tasks)
    function = packing.load_function(files.read(os.path.join(folder, "function.pkl")))
    results: list[object] = []
    failures: dict[int, BaseException] = {}
    for number, task in enumerate(pickle.loads(files.read(tasks))):
        try:
            results.append(function(task))
        except Exception as error:
            results.append(None)
            failures[number] = error
    outcomes.write(tasks, results, failures)
    sys.stderr.write(outcomes.told(failures))
    return 0
