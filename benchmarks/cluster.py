"""The part that needs a Grid Engine: run it on a submit host.

``python -m tests.cluster run python -m benchmarks --cluster`` does so on the test cluster.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import tasks
from .measure import MeasurementError, Results, note, run_child
from .peers import version_of
from .rows import OURS, Row

JOBQUEUE = "dask-jobqueue"

#: Slots of the cluster that the libraries may use.
SLOTS = 8

ROWS = (
    Row("cold_200", "200 trivial calls from cold", "s", False, JOBQUEUE, 0.5),
    Row("warm_200", "the next 200 on warm workers", "s", False, JOBQUEUE, 0.1),
    Row("cold_10000", "10,000 trivial calls from cold", "s", False, JOBQUEUE, 0.3),
    Row("warm_10000", "the next 10,000 on warm workers", "s", False, JOBQUEUE, 0.3),
    Row("connection", "64 arrays of 16 MB in and out", "GB/s", against=JOBQUEUE, factor=1.0),
    Row("seconds", "400 calls of 1 s: ideal / time", "", limit=0.98),
)

#: Figures of an earlier measurement, for where a peer cannot run: two hosts with four slots
#: each, scheduler interval 1 s. They stand in the table as constants, not as a measurement.
EARLIER = {
    "cold_200": {"raw array": 26.0, "GridMap": 92.8, JOBQUEUE: 4.5},
    "warm_200": {JOBQUEUE: 0.45},
    "cold_10000": {JOBQUEUE: 8.5},
    "warm_10000": {JOBQUEUE: 6.6},
}

_MEGA = 1_000_000
_CHILD_PATIENCE = 300.0
_QUEUE_PATIENCE = 30.0

Map = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A library with queue jobs on the way: its map, and how to end it."""

    map: Map
    close: Callable[[], None]


def gridengine_cluster(_folder: str) -> Cluster:
    """Returns ours as it comes."""
    import gridengine

    scheduler = gridengine.schedulers.GridEngineScheduler()
    return Cluster(lambda f, items: gridengine.map(f, items, scheduler=scheduler), scheduler.close)


def jobqueue_cluster(folder: str) -> Cluster:
    """Returns dask-jobqueue with a queue job for each slot, all asked for at once."""
    import distributed
    from dask_jobqueue import SGECluster

    interface = os.environ.get("BENCHMARKS_INTERFACE", "eth0")
    cluster = SGECluster(
        cores=1,
        processes=1,
        memory="2GB",
        interface=interface,
        walltime=None,
        log_directory=folder,
        local_directory=folder,
        scheduler_options={"dashboard_address": None, "interface": interface},
        worker_extra_args=["--no-dashboard"],
        job_script_prologue=[f"export PYTHONPATH={os.environ['PYTHONPATH']}"],
    )
    cluster.scale(jobs=SLOTS)
    client = distributed.Client(cluster)

    def apply(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        values: list[Any] = client.gather(client.map(function, list(items), pure=False))
        return values

    def close() -> None:
        client.close()
        cluster.close()

    return Cluster(apply, close)


LIBRARIES = {OURS: gridengine_cluster, JOBQUEUE: jobqueue_cluster}
_MODULES = {OURS: "gridengine", JOBQUEUE: "dask_jobqueue"}


def installed() -> list[str]:
    """Returns the libraries that can be measured here."""
    return [name for name, module in _MODULES.items() if importlib.util.find_spec(module)]


def versions() -> dict[str, str]:
    """Returns the versions of what is measured."""
    return {name: version_of(_MODULES[name]) for name in installed()}


def earlier() -> list[str]:
    """Returns a line for each figure that was not measured now: see `EARLIER`."""
    titles = {row.figure: row.title for row in ROWS}
    return [
        f"{titles[figure]}: {', '.join(f'{name} {value:g} s' for name, value in of.items())}"
        for figure, of in EARLIER.items()
    ]


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
    workloads: Iterable[str], *, rounds: int, quick: bool, say: Callable[[str], None]
) -> Results:
    """Measures each workload on every library in turn, each in a fresh program."""
    results: Results = {}
    if JOBQUEUE not in installed():
        say(f"{JOBQUEUE}: left out, it is not installed")
    for name in workloads:
        for index in range(rounds):
            for library in installed():
                try:
                    figures = _measure(name, library, quick)
                except MeasurementError as error:
                    say(f"{name}: {library} failed: {error}")
                    continue
                note(results, library, index, figures)
                said = ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items())
                say(f"{name}: round {index + 1} of {rounds}: {library}: {said}")
    return results


def _measure(workload: str, library: str, quick: bool) -> dict[str, float]:
    _wait_for_an_empty_queue()
    # At home, because the nodes write into it too.
    with tempfile.TemporaryDirectory(
        prefix="benchmarks-", dir=Path.home(), ignore_cleanup_errors=True
    ) as folder:
        command = ["benchmarks.cluster", workload, library, folder, "1" if quick else "0"]
        return run_child(command, _CHILD_PATIENCE)


def _wait_for_an_empty_queue() -> None:
    """Waits until nobody has queue jobs: neither figures nor other people shall suffer.

    Raises:
        MeasurementError: Somebody has some, and goes on having them.
    """
    end = time.monotonic() + _QUEUE_PATIENCE
    while True:
        answer = subprocess.run(
            ["qstat", "-u", "*"],  # noqa: S607  # the user's own Grid Engine
            capture_output=True,
            text=True,
            timeout=_QUEUE_PATIENCE,
        )
        if answer.returncode == 0 and not answer.stdout.strip():
            return
        if time.monotonic() > end:
            raise MeasurementError(answer.stderr.strip() or "the cluster is in use by others")
        time.sleep(1)


def main() -> None:
    """Does what ``python -m benchmarks.cluster FILE WORKLOAD LIBRARY FOLDER QUICK`` says."""
    file, workload, library, folder, quick = sys.argv[1:]
    start = functools.partial(LIBRARIES[library], folder)
    figures = WORKLOADS[workload](start, quick == "1")
    Path(file).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
