"""``--scheduler --queue --resources --workers``: options of the commands that run functions."""

from __future__ import annotations

import argparse
import os

#: As many ways to write a name as programs have.
_SCHEDULERS = ("process", "grid_engine", "gridengine", "slurm", "inline")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command's parser, which is to be among its defaults."""
    group = parser.add_argument_group(
        "where it runs",
        "by default on a Grid Engine or a Slurm if there is one, else on the cores of this "
        "computer; "
        "GRIDENGINE_SCHEDULER and gridengine.toml are heeded, and these count more",
    )
    group.add_argument("--scheduler", choices=_SCHEDULERS, help="the name of one")
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

    Ends this one, as `argparse` does, if two of them contradict each other.
    """
    import json

    cluster: dict[str, object] = {}
    for text in given.resources:
        cluster |= _resources(text)
    name = given.scheduler or (cluster_here() if cluster or given.queue is not None else "")
    if given.queue is not None:
        cluster["partition" if name == "slurm" else "queue"] = given.queue
    if cluster and name not in ("grid_engine", "gridengine", "slurm"):
        given.parser.error(f"--queue and --resources are for a cluster, not for {name!r}")
    if name == "inline" and given.workers is not None:
        given.parser.error("--workers is for workers, which the scheduler 'inline' has not")
    limit = {} if given.workers is None else {"max_workers": given.workers}
    arguments: dict[str, dict[str, object]] = {
        each: {**limit} for each in ("process", "grid_engine", "slurm")
    }
    if cluster and name == "slurm":
        # There is no value that says so.
        flags = {each: True for each, value in cluster.items() if value == "true"}
        arguments["slurm"] = {**cluster, **flags, **limit}
    elif cluster:
        arguments["grid_engine"] = {**cluster, **limit}
    said = {each: told for each, told in arguments.items() if told}
    found = {"GRIDENGINE_SCHEDULER": name} if name else {}
    return found | ({"GRIDENGINE_ARGUMENTS": json.dumps(said)} if said else {})


def cluster_here() -> str:
    """Returns which cluster is meant where only its queue or its resources are said."""
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
