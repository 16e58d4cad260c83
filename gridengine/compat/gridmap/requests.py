"""What a job asks for, in the words of the scheduler on which it is to run."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from ...logs import Log
from ...schedulers.base import Scheduler
from ...schedulers.quantities import parse_time
from . import conf
from .grid_job import Job

log = Log("gridmap.job")

#: By their names: neither need be imported.
_GRID_ENGINE, _SLURM = "GridEngineScheduler", "SlurmScheduler"

#: What Slurm calls a field.
_OF_SLURM = {
    "num_slots": "slots",
    "queue": "partition",
    "project": "account",
    "white_list": "hosts",
    "gpu": "gpus",
    "h_vmem": "mem_per_cpu",
}

#: A request that is a name and a plain value, or a name alone.
_ENTRY = re.compile(r"([A-Za-z_]\w*)(?:=([\w.:*/+-]+))?\Z", re.ASCII)

#: What has been said already, once in a program.
_told: set[str] = set()


def requests_of(job: Job, scheduler: Scheduler) -> dict[str, object]:
    """Returns the resources of a job on a scheduler, on top of what that asks for by itself.

    What has no meaning there is said in the log.
    """
    if not scheduler.takes_resources:
        return {}
    kind = type(scheduler).__name__
    asked = _fields(job, scheduler)
    if kind == _GRID_ENGINE:
        return _for_grid_engine(asked, scheduler)
    if kind == _SLURM:
        return _for_slurm(asked)
    _say_unheeded(asked, kind)
    return {}


def _fields(job: Job, scheduler: Any) -> dict[str, Any]:
    """Returns the fields of a job that ask for something, by their names."""
    asked: dict[str, Any] = {}
    if job.mem_free and conf.USE_MEM_FREE:
        asked["mem_free"] = job.mem_free
    if job.num_slots > 1:
        asked["num_slots"], asked["par_env"] = job.num_slots, job.par_env
    if job.queue and not _is_another_default(job.queue, scheduler):
        asked["queue"] = job.queue
    if job.gpu and job.gpu > 0:
        asked["gpu"] = job.gpu
    if job.white_list:
        # Of queue instances the host counts: each names one.
        asked["white_list"] = [each.rpartition("@")[2] for each in job.white_list]
    for name in (
        "interpreting_shell", "project", "validation_level", "os_distribution", "os_minor",
        "h_vmem", "h_rt", "resources",
    ):  # fmt: skip
        if value := getattr(job, name):
            asked[name] = value
    return asked


def _is_another_default(queue: str, scheduler: Any) -> bool:
    """Tells whether a queue is GridMap's own default, and the scheduler has one for this site."""
    if queue != conf.DEFAULT_QUEUE or conf.is_said("DEFAULT_QUEUE"):
        return False
    return type(scheduler).__name__ != _GRID_ENGINE or bool(scheduler.request.queue)


def _for_grid_engine(asked: dict[str, Any], scheduler: Any) -> dict[str, object]:
    made: dict[str, object] = {}
    native = [scheduler.request.native] if scheduler.request.native else []
    if "interpreting_shell" in asked:
        # A login shell's files are not needed: the variables of the program follow.
        _say_unheeded({"interpreting_shell": asked.pop("interpreting_shell")}, _GRID_ENGINE)
    if level := asked.pop("validation_level", None):
        native.append(f"-w {level}")
    if slots := asked.pop("num_slots", None):
        made["slots"], made["parallel_environment"] = slots, asked.pop("par_env")
    if hosts := asked.pop("white_list", None):
        made["hosts"] = hosts
    for name, value in _entries(asked.pop("resources", ())):
        if name:
            made[name] = value
        else:
            native.append(f"-l {value}")
    made.update(asked)
    if native and native != [scheduler.request.native]:
        made["native"] = " ".join(native)
    return made


def _entries(resources: Any) -> Iterator[tuple[str, object]]:
    """Yields names and values of free requests; of one that is more than that all, without name."""
    for entry in resources:
        parts = [part.strip() for part in str(entry).split(",")]
        found = [_ENTRY.match(part) for part in parts]
        if all(found):
            yield from ((each[1], each[2] or True) for each in found if each)
        else:
            yield "", entry


def _for_slurm(asked: dict[str, Any]) -> dict[str, object]:
    made: dict[str, object] = {
        theirs: asked.pop(ours) for ours, theirs in _OF_SLURM.items() if ours in asked
    }
    if limit := asked.pop("h_rt", None):
        # A plain number is seconds to a Grid Engine, and minutes to Slurm.
        made["time"] = datetime.timedelta(seconds=parse_time(str(limit)))
    # The processors of a task are on one node anyway.
    asked.pop("par_env", None)
    _say_unheeded(asked, _SLURM)
    return made


def _say_unheeded(asked: dict[str, Any], kind: str) -> None:
    new = [name for name in asked if f"{kind}.{name}" not in _told]
    _told.update(f"{kind}.{name}" for name in new)
    if new:
        told = ", ".join(f"{name}={asked[name]!r}" for name in new)
        log.warning("%s has nothing for %s: jobs run without", kind, told)
