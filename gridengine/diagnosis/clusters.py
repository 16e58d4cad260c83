"""How the doctor looks at each batch system, and what it advises there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..schedulers.base import Scheduler
from ..schedulers.grid_engine.scheduler import GridEngineScheduler
from ..schedulers.grid_engine.session import GridEngineSession
from ..schedulers.slurm.scheduler import SlurmScheduler
from ..schedulers.slurm.session import SlurmSession
from . import grid_engine, slurm
from .report import Check


def asked_for(scheduler: Scheduler) -> dict[str, object]:
    """Returns what a scheduler's queue jobs ask for, as a settings file has it."""
    request: Any = scheduler.request  # type: ignore[attr-defined]  # all clusters' have one
    if isinstance(scheduler, SlurmScheduler):
        shown: dict[str, object] = request.arguments_given()
        return {name: list(v) if isinstance(v, tuple) else v for name, v in shown.items()}
    named: dict[str, object] = {
        "queue": request.queue,
        "slots": request.slots if request.slots > 1 else None,
        "parallel_environment": request.parallel_environment,
        "project": request.project,
        "hosts": list(request.hosts) or None,
        "native": request.native,
    }
    return {name: value for name, value in named.items() if value} | dict(request.resources)


class Advice(NamedTuple):
    """What to do about a test job; by default for a batch system of which nothing else is known.

    Attributes:
        refused: If it is refused.
        not_taken: If it is not taken in time.
        stuck: Returns what to do if a queue job cannot be started.
        another: If it does not start.
    """

    refused: str = "ask for something else, or see what the site wants of a job"
    not_taken: str = "try it again; the batch system may be overloaded"
    stuck: Callable[[str], str] = lambda _: "see what the batch system says of it"
    another: str = "try another queue"


class Cluster(NamedTuple):
    """How a batch system is looked at.

    Attributes:
        name: That of its scheduler.
        software: Looks at what must be here for a scheduler of it.
        session: Opens a session of one.
        named: What `master` is called in the report.
        master: Waits for the answer of whoever rules it.
        looks: What else is looked at; the first of them says if nothing can start.
        looked_at: What those are called in the report.
        why_it_waits: Returns why a queue job has not started.
        advice: What to do about its test job.
    """

    name: str
    software: Callable[[Any], Check]
    session: Callable[[Any], Any]
    named: str
    master: Callable[[Any, float], Check]
    looks: tuple[Callable[..., Check], ...]
    looked_at: tuple[str, ...]
    why_it_waits: Callable[[str], str]
    advice: Advice


CLUSTERS: dict[type[Scheduler], Cluster] = {
    GridEngineScheduler: Cluster(
        "grid_engine",
        lambda scheduler: grid_engine.library(scheduler.through),
        lambda scheduler: GridEngineSession(
            scheduler.request, patience=0.0, through=scheduler.through
        ),
        "master",
        grid_engine.master,
        (
            grid_engine.queues,
            grid_engine.parallel_environments,
            grid_engine.memory_resources,
            grid_engine.site_limits,
        ),
        ("queues", "parallel environments", "resources", "site limits"),
        grid_engine.why_it_waits,
        Advice(
            refused="ask for something else (--queue, -l), or see what the site wants of a job",
            not_taken="try `qsub -b y sleep 1`; the master may be overloaded",
            stuck=lambda job: f"qstat -j {job.partition('.')[0]} says more while it is there",
            another="try another queue (--queue)",
        ),
    ),
    SlurmScheduler: Cluster(
        "slurm",
        lambda scheduler: slurm.slurm_tools(),
        lambda scheduler: SlurmSession(scheduler.request, patience=0.0),
        "controller",
        slurm.controller,
        (slurm.partitions, slurm.slurm_limits),
        ("partitions", "site limits"),
        slurm.why_it_waits,
        Advice(
            refused="ask for something else (--queue for the partition, -l and --set for options "
            "of sbatch), or see what the site wants of a job",
            not_taken="try `sbatch --wrap 'sleep 1'`; the controller may be overloaded",
            stuck=lambda job: f"scontrol show job {job.replace('.', '_')} says more",
            another="try another partition (--queue)",
        ),
    ),
}
