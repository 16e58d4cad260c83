"""The part that needs a batch system: run it on a submit host.

``python -m tests.cluster run python -m benchmarks --cluster`` does so on the test cluster's Grid
Engine; ``python -m tests.cluster run --slurm python -m benchmarks --cluster slurm`` on its Slurm.
"""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from . import tasks
from .batch_systems import SLOTS, SYSTEMS, Cluster
from .measure import MeasurementError, Results, note, run_child

_MEGA = 1_000_000
_CHILD_PATIENCE = 300.0
_QUEUE_PATIENCE = 30.0


# ---------------------------------------------------------------------- what is run


def few(start: Callable[[], Cluster], quick: bool) -> dict[str, float]:
    """200 trivial calls in a fresh program, and 200 more."""
    return _cold_and_warm(start, 20 if quick else 200, "200")


def many(start: Callable[[], Cluster], quick: bool) -> dict[str, float]:
    """10,000 trivial calls in a fresh program, and 10,000 more."""
    return _cold_and_warm(start, 100 if quick else 10_000, "10000")


def _cold_and_warm(start: Callable[[], Cluster], calls: int, name: str) -> dict[str, float]:
    begin = time.perf_counter()
    cluster = start()
    assert len(cluster.map(tasks.same, range(calls))) == calls
    cold = time.perf_counter() - begin
    begin = time.perf_counter()
    assert len(cluster.map(tasks.same, range(calls))) == calls
    warm = time.perf_counter() - begin
    cluster.close()
    return {f"cold_{name}": cold, f"warm_{name}": warm}


def connection(start: Callable[[], Cluster], quick: bool) -> dict[str, float]:
    """Large arrays through the network and back. The bytes are counted once each way."""
    import numpy

    count, size = (4, _MEGA) if quick else (64, 16 * _MEGA)
    arrays = [numpy.full(size // 8, float(index)) for index in range(count)]
    cluster = start()
    _have_all_workers(cluster)
    times = []
    for _ in range(1 if quick else 3):
        begin = time.perf_counter()
        assert len(cluster.map(tasks.plus_one, arrays)) == count
        times.append(time.perf_counter() - begin)
    cluster.close()
    return {"connection": 2 * count * size / statistics.median(times) / 1e9}


def _have_all_workers(cluster: Cluster) -> None:
    cluster.map(tasks.rest, [0.25] * (16 * SLOTS))


def seconds(start: Callable[[], Cluster], quick: bool) -> dict[str, float]:
    """Calls of a second each: the time from the start of the first worker counts."""
    calls, length = (16, 0.1) if quick else (400, 1.0)
    cluster = start()
    began = min(cluster.map(tasks.rest_and_tell, [length] * calls))
    spent = time.time() - began
    cluster.close()
    return {"seconds": calls * length / SLOTS / spent}


WORKLOADS = {"few": few, "many": many, "connection": connection, "seconds": seconds}


# ---------------------------------------------------------------------- the measurement


def run(
    system: str,
    workloads: Iterable[str],
    *,
    rounds: int,
    quick: bool,
    say: Callable[[str], None],
) -> Results:
    """Measures each workload on every library in turn, each in a fresh program."""
    results: Results = {}
    libraries = SYSTEMS[system].libraries
    installed = SYSTEMS[system].installed()
    for library in libraries.keys() - installed:
        say(f"{library}: left out, it is not installed")
    for name in workloads:
        for index in range(rounds):
            for library in installed:
                if name not in (libraries[library].workloads or WORKLOADS):
                    continue
                try:
                    figures = _measure(system, name, library, quick)
                except MeasurementError as error:
                    say(f"{name}: {library} failed: {error}")
                    continue
                note(results, library, index, figures)
                said = ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items())
                say(f"{name}: round {index + 1} of {rounds}: {library}: {said}")
    return results


def _measure(system: str, workload: str, library: str, quick: bool) -> dict[str, float]:
    _wait_for_an_empty_queue(SYSTEMS[system].queue)
    # At home, because the nodes write into it too.
    with tempfile.TemporaryDirectory(
        prefix="benchmarks-", dir=Path.home(), ignore_cleanup_errors=True
    ) as folder:
        how = "1" if quick else "0"
        command = ["benchmarks.cluster", system, workload, library, folder, how]
        return run_child(command, _CHILD_PATIENCE)


def _wait_for_an_empty_queue(command: Sequence[str]) -> None:
    """Waits until nobody has queue jobs: neither figures nor other people shall suffer.

    Raises:
        MeasurementError: Somebody has some, and goes on having them.
    """
    end = time.monotonic() + _QUEUE_PATIENCE
    while True:
        answer = subprocess.run(  # noqa: S603  # a constant of `batch_systems`
            command, capture_output=True, text=True, timeout=_QUEUE_PATIENCE
        )
        if answer.returncode == 0 and not answer.stdout.strip():
            return
        if time.monotonic() > end:
            raise MeasurementError(answer.stderr.strip() or "the cluster is in use by others")
        time.sleep(1)


def main() -> None:
    """Does what ``… benchmarks.cluster FILE SYSTEM WORKLOAD LIBRARY FOLDER QUICK`` says."""
    file, system, workload, library, folder, quick = sys.argv[1:]
    start = functools.partial(SYSTEMS[system].libraries[library].start, folder)
    figures = WORKLOADS[workload](start, quick == "1")
    Path(file).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
