"""Runs one workload on one library, writes its figures into a file, and ends.

A process of its own for each measurement: no library finds another's threads, workers or
imports in its way, and the peak memory is its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .handles import EVERY
from .workloads import Case


def main() -> None:
    """Does what ``python -m benchmarks.child FILE WORKLOAD PEER WORKERS QUICK`` says."""
    file, workload, peer, workers, quick = sys.argv[1:]
    figures = EVERY[workload].run(Case(peer, int(workers), quick == "1"))
    Path(file).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
