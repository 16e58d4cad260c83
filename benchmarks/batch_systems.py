"""The batch systems that libraries are measured on, and how each library uses them."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .peers import version_of
from .rows import OURS, Row

JOBQUEUE = "dask-jobqueue"
SUBMITIT = "submitit"

#: Slots of the cluster that the libraries may use.
SLOTS = 8

Map = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A library with queue jobs on the way: its map, and how to end it."""

    map: Map
    close: Callable[[], None]


@dataclasses.dataclass(frozen=True)
class Library:
    """A library on a batch system.

    Attributes:
        module: What is imported of it.
        start: Makes its queue jobs; the folder is for its files.
        workloads: Those that it does in reasonable time, all if empty.
    """

    module: str
    start: Callable[[str], Cluster]
    workloads: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class BatchSystem:
    """What is measured on one.

    Attributes:
        libraries: By their names.
        rows: What is told of the figures.
        queue: The command that prints nothing when nobody has queue jobs.
        earlier: Figures of an earlier measurement, for where a peer cannot run.
    """

    libraries: Mapping[str, Library]
    rows: Sequence[Row]
    queue: Sequence[str]
    earlier: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)

    def installed(self) -> list[str]:
        """Returns the libraries that can be measured here."""
        return [
            name
            for name, library in self.libraries.items()
            if importlib.util.find_spec(library.module)
        ]

    def versions(self) -> dict[str, str]:
        """Returns the versions of what is measured."""
        return {name: version_of(self.libraries[name].module) for name in self.installed()}

    def told_earlier(self) -> list[str]:
        """Returns a line for each figure of `earlier`."""
        titles = {row.figure: row.title for row in self.rows}
        return [
            f"{titles[figure]}: {', '.join(f'{name} {value:g} s' for name, value in of.items())}"
            for figure, of in self.earlier.items()
        ]


# ---------------------------------------------------------------------- the libraries


def _gridengine(scheduler: str) -> Callable[[str], Cluster]:
    def start(_folder: str) -> Cluster:
        """Returns ours as it comes."""
        import gridengine

        made = getattr(gridengine.schedulers, scheduler)()
        return Cluster(lambda f, items: gridengine.map(f, items, scheduler=made), made.close)

    return start


def _jobqueue(cluster: str, memory: str, walltime: str | None) -> Callable[[str], Cluster]:
    def start(folder: str) -> Cluster:
        """Returns dask-jobqueue with a queue job for each slot, all asked for at once."""
        import dask_jobqueue
        import distributed

        interface = os.environ.get("BENCHMARKS_INTERFACE", "eth0")
        made = getattr(dask_jobqueue, cluster)(
            cores=1,
            processes=1,
            memory=memory,
            interface=interface,
            walltime=walltime,
            log_directory=folder,
            local_directory=folder,
            scheduler_options={"dashboard_address": None, "interface": interface},
            worker_extra_args=["--no-dashboard"],
            job_script_prologue=[f"export PYTHONPATH={os.environ['PYTHONPATH']}"],
        )
        made.scale(jobs=SLOTS)
        client = distributed.Client(made)

        def apply(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
            values: list[Any] = client.gather(client.map(function, list(items), pure=False))
            return values

        def close() -> None:
            client.close()
            made.close()

        return Cluster(apply, close)

    return start


def _submitit(folder: str) -> Cluster:
    """Returns submitit with a task of one array for each call, which is all that it has."""
    import submitit

    executor = submitit.SlurmExecutor(folder=folder)
    executor.update_parameters(time=10, array_parallelism=SLOTS)

    def apply(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [job.result() for job in executor.map_array(function, list(items))]

    return Cluster(apply, lambda: None)


# ---------------------------------------------------------------------- the batch systems

_CALLS = (
    Row("cold_200", "200 trivial calls from cold", "s", False, JOBQUEUE, 0.5),
    Row("warm_200", "the next 200 on warm workers", "s", False, JOBQUEUE, 0.1),
    Row("cold_10000", "10,000 trivial calls from cold", "s", False, JOBQUEUE, 0.3),
    Row("warm_10000", "the next 10,000 on warm workers", "s", False, JOBQUEUE, 0.3),
    Row("connection", "64 arrays of 16 MB in and out", "GB/s", against=JOBQUEUE, factor=1.0),
    Row("seconds", "400 calls of 1 s: ideal / time", "", limit=0.98),
)

SYSTEMS = {
    "gridengine": BatchSystem(
        libraries={
            OURS: Library("gridengine", _gridengine("GridEngineScheduler")),
            JOBQUEUE: Library("dask_jobqueue", _jobqueue("SGECluster", "2GB", None)),
        },
        rows=_CALLS,
        queue=("qstat", "-u", "*"),
        # Two hosts with four slots each, scheduler interval 1 s. They stand in the table as
        # constants, not as a measurement.
        earlier={
            "cold_200": {"raw array": 26.0, "GridMap": 92.8, JOBQUEUE: 4.5},
            "warm_200": {JOBQUEUE: 0.45},
            "cold_10000": {JOBQUEUE: 8.5},
            "warm_10000": {JOBQUEUE: 6.6},
        },
    ),
    "slurm": BatchSystem(
        libraries={
            OURS: Library("gridengine", _gridengine("SlurmScheduler")),
            JOBQUEUE: Library("dask_jobqueue", _jobqueue("SLURMCluster", "1GB", "00:30:00")),
            SUBMITIT: Library("submitit", _submitit, frozenset({"few"})),
        },
        rows=(
            *_CALLS,
            Row("cold_200", "the first line, beside submitit", "s", False, SUBMITIT, 0.1),
        ),
        queue=("squeue", "--noheader"),
    ),
}
