"""``gridengine doctor``: tests this host and the cluster."""

from __future__ import annotations

import argparse
import sys

from ...errors import GridEngineError
from ...logs import printable
from ..scheduler_options import SchedulerNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...schedulers.base import Scheduler
    from . import Commands

_DESCRIPTION = """\
Tests what programs need on this host and on the cluster, in less than 30 seconds, and prints what
works, what does not, and what to do.

On a cluster it submits one small queue job, which looks at its node, connects to this host, and
ends. It asks for what your settings file says of [grid_engine] or [slurm], and for what is given
here. It is deleted and its files are removed at the end, also after Ctrl-C.
"""

_EPILOG = """\
examples:
  gridengine doctor
  gridengine doctor --queue short.q -l h_vmem=2G,h_rt=00:10:00
  GRIDENGINE_PORTS=54000-54100 gridengine doctor --write
  gridengine doctor --json | jq '.checks[] | select(.state == "failed")'

exit status: 0 if nothing has failed, 1 if something has, 2 for a wrong command line, 130 after
Ctrl-C. Warnings are no failures.
"""


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "doctor",
        help="test this host and the cluster, and say what to do",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scheduler", metavar="NAME", choices=SchedulerNames(("process", "grid_engine", "slurm")),
        help="what to test, whatever is set: process, grid_engine, slurm, or another that is "
        "installed",
    )  # fmt: skip
    parser.add_argument(
        "--queue", metavar="NAME", help="the queue of a Grid Engine, the partition of a Slurm"
    )
    parser.add_argument(
        "-l", dest="resources", metavar="NAME=VALUE,...", action="append", default=[],
        help="resources to ask for, as qsub -l takes them, or long options of sbatch; several "
        "times, if need be",
    )  # fmt: skip
    parser.add_argument(
        "--set", dest="arguments", metavar="NAME=VALUE", action="append", default=[],
        help="any other argument of the scheduler: project=physics, native='-R y'",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--write", metavar="FILE", nargs="?", const="", default=None,
        help="write what has worked into a settings file, if nothing has failed: by default into "
        "~/.config/gridengine/gridengine.toml; what stands there is kept",
    )  # fmt: skip
    parser.set_defaults(action=_doctor)


def _doctor(given: argparse.Namespace) -> int:
    from ...diagnosis.doctor import doctor

    try:
        report = doctor(_scheduler(given))
    except (TypeError, ValueError) as error:
        raise GridEngineError(str(error)) from error
    except KeyboardInterrupt:
        sys.stderr.write("gridengine: interrupted; nothing is left behind\n")
        return 130
    sys.stdout.write(f"{report.to_json() if given.json else report}\n")
    sys.stdout.flush()
    if given.write is not None:
        _write(given.write, report.settings)
    return 0 if report.ok else 1


def _scheduler(given: argparse.Namespace) -> Scheduler | str | None:
    """Returns what is to be tested, None for what is set.

    Raises:
        TypeError, ValueError, GridEngineError: It cannot be.
    """
    asked = _arguments(given)
    if not asked:
        return str(given.scheduler) if given.scheduler else None
    from ..scheduler_options import cluster_meant

    name, why = (given.scheduler, "") if given.scheduler else cluster_meant()
    if name not in ("grid_engine", "slurm"):
        because = f", not with {name} ({why})" if why else ""
        raise GridEngineError(
            f"--queue, -l and --set are of use with a Grid Engine or a Slurm alone{because}"
        )
    if name == "slurm" and "queue" in asked:
        asked["partition"] = asked.pop("queue")
    from ...schedulers import choice

    return choice.described(name, asked)


def _arguments(given: argparse.Namespace) -> dict[str, Any]:
    pairs = [pair for each in given.resources for pair in each.split(",")] + given.arguments
    asked: dict[str, Any] = {"queue": given.queue} if given.queue else {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name.strip():
            raise GridEngineError(f"{pair!r}: write NAME=VALUE")
        # As for qsub: a resource that is there or not.
        asked[name.strip()] = value if equals else True
    for name in ("slots", "max_workers"):
        if str(asked.get(name, "")).isdecimal():
            asked[name] = int(asked[name])
    return asked


def _write(path: str, settings: Any) -> None:
    from ...diagnosis import settings_writing

    said = settings_writing.write(path, settings)
    # Not among what a program reads.
    sys.stderr.write(printable(f"{said}\n"))
