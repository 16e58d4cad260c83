"""What a test may run on: the cores of this host, and each real batch system."""

from __future__ import annotations

import pytest

from gridengine.schedulers import (
    GridEngineScheduler,
    ProcessScheduler,
    Scheduler,
    SlurmScheduler,
)

from .cluster import BatchCluster, SlurmCluster

#: The batch systems, as parameters of tests; "commands" is a Grid Engine without DRMAA.
CLUSTERS = [
    pytest.param("gridengine", marks=pytest.mark.cluster),
    pytest.param("commands", marks=pytest.mark.cluster),
    pytest.param("slurm", marks=pytest.mark.cluster),
]

#: The same for what happens behind the queue, where the ways into a Grid Engine differ little: the
#: second is among the slow tests.
BEHIND_THE_QUEUE = [
    pytest.param("gridengine", marks=pytest.mark.cluster),
    pytest.param("commands", marks=[pytest.mark.cluster, pytest.mark.slow]),
    pytest.param("slurm", marks=pytest.mark.cluster),
]

#: All of them.
KINDS = ["process", *CLUSTERS]


def made(kind: str, max_workers: int) -> Scheduler:
    """Returns a new scheduler of a kind; `brought_up` was asked for the cluster before."""
    if kind == "process":
        return ProcessScheduler(max_workers)
    if kind == "slurm":
        return SlurmScheduler(max_workers=max_workers)
    through = "commands" if kind == "commands" else "drmaa"
    return GridEngineScheduler(max_workers=max_workers, through=through)


def brought_up(kind: str, request: pytest.FixtureRequest) -> BatchCluster:
    """Returns the cluster of a kind, for as long as a module's tests run."""
    cluster: BatchCluster = request.getfixturevalue("slurm" if kind == "slurm" else "cluster")
    return cluster


def on(cluster: BatchCluster, max_workers: int | None = None) -> Scheduler:
    """Returns a new scheduler for a cluster, with as many workers as it has room for."""
    workers = max_workers or len(cluster.nodes) * cluster.slots
    return made("slurm" if isinstance(cluster, SlurmCluster) else "gridengine", workers)
