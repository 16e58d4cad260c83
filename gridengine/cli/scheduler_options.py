"""``--scheduler --queue --resources --workers``: options of the commands that run functions."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from .. import plugins

#: As many ways to write a name as programs have.
_SCHEDULERS = ("process", "grid_engine", "gridengine", "slurm", "inline")


class SchedulerNames:
    """The names for ``--scheduler``, as `argparse` has choices; plug-ins are looked for late.

    Args:
        first: Those that are known anyway.
    """

    def __init__(self, first: tuple[str, ...] = _SCHEDULERS) -> None:
        self._first = first

    def __contains__(self, name: object) -> bool:
        return name in self._first or (isinstance(name, str) and plugins.is_one(name))

    def __iter__(self) -> Iterator[str]:
        return iter((*self._first, *plugins.names()))


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command's parser, which is to be among its defaults."""
    group = parser.add_argument_group(
        "where it runs",
        "by default on a Grid Engine or a Slurm if there is one, else on the cores of this "
        "computer; "
        "GRIDENGINE_SCHEDULER and gridengine.toml are heeded, and these count more",
    )
    group.add_argument(
        "--scheduler", metavar="NAME", choices=SchedulerNames(),
        help="process, grid_engine, slurm, inline, or another one that is installed: pbs, lsf, a "
        "plug-in",
    )  # fmt: skip
    group.add_argument(
        "--queue",
        metavar="Q",
        help="the queue of a Grid Engine (qsub -q), or the partition of a Slurm (sbatch -p)",
    )
    group.add_argument(
        "--resources", metavar="NAME=VALUE,...", action="append", default=[],
        help="what each worker requests on the cluster: of a Grid Engine as of qsub -l, "
        "h_vmem=4G,h_rt=1:00:00; of a Slurm as long options of sbatch, mem=4G,time=1:00:00",
    )  # fmt: skip
    group.add_argument("--workers", metavar="N", type=count, help="workers at one time, at most")


def variables(given: argparse.Namespace) -> dict[str, str]:
    """Returns the variables that say to a program what the options say.

    Ends this one, as `argparse` does, if two of them contradict each other, or the settings.

    Raises:
        GridEngineError: The settings name a scheduler that there is not.
    """
    import json

    cluster: dict[str, object] = {}
    for text in given.resources:
        cluster |= _resources(text)
    name, why = given.scheduler or "", ""
    if not name and (cluster or given.queue is not None):
        name, why = cluster_meant()
    if given.queue is not None:
        cluster["partition" if name == "slurm" else "queue"] = given.queue
    if cluster and name in ("process", "inline"):
        because = f" ({why}; --scheduler says another one)" if why else ""
        given.parser.error(f"--queue and --resources are for a cluster, not for {name!r}{because}")
    if name == "inline" and given.workers is not None:
        given.parser.error("--workers is for workers, which the scheduler 'inline' has not")
    limit = {} if given.workers is None else {"max_workers": given.workers}
    arguments: dict[str, dict[str, object]] = {
        each: {**limit} for each in ("process", "grid_engine", "slurm")
    }
    if name not in ("", "inline", "gridengine", *arguments):
        arguments = {name: {**cluster, **limit}}
    elif cluster and name == "slurm":
        # There is no value that says so.
        flags = {each: True for each, value in cluster.items() if value == "true"}
        arguments["slurm"] = {**cluster, **flags, **limit}
    elif cluster:
        arguments["grid_engine"] = {**cluster, **limit}
    said = {each: told for each, told in arguments.items() if told}
    found = {"GRIDENGINE_SCHEDULER": name} if name else {}
    return found | ({"GRIDENGINE_ARGUMENTS": json.dumps(said)} if said else {})


def cluster_meant() -> tuple[str, str]:
    """Returns which scheduler is meant where only its queue or its resources are said.

    Returns:
        The one that the settings in force name, and who says so; else the cluster that is here.

    Raises:
        GridEngineError: They name one that there is not.
    """
    from ..errors import GridEngineError
    from ..schedulers import choice

    try:
        name, why = choice.wanted()
    except ValueError as error:
        raise GridEngineError(str(error)) from error
    return (name, why) if name else (_cluster_here(), "")


def _cluster_here() -> str:
    from ..schedulers.grid_engine import way
    from ..schedulers.slurm import presence

    has_slurm = presence.missing(os.environ) is None
    has_grid_engine = way.problem("auto") is None
    return "slurm" if has_slurm and not has_grid_engine else "grid_engine"


def _resources(text: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        # As qsub has it: what is only named is wanted.
        found[name.strip()] = value.strip() if equals else "true"
    return found


def count(text: str) -> int:
    """Returns a number of things, at least one, as `argparse` has its types."""
    return _at_least(1, text)


def count_or_none(text: str) -> int:
    """Returns a number of things, or 0."""
    return _at_least(0, text)


def seconds(text: str) -> float:
    """Returns a time above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r}; it takes seconds, above 0")
    return number


def _at_least(least: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r}; it takes a whole number of at least {least}")
    return number
