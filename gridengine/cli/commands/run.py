"""``gridengine run``: runs a program with a scheduler that is chosen on the command line."""

from __future__ import annotations

import argparse
import os
import sys

from ...errors import GridEngineError
from .. import scheduler_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Runs a program as `python SCRIPT` does, by the same interpreter: and the maps and jobs in it that
name no scheduler use the one that is said here.
"""

_EPILOG = """\
examples:
  gridengine run --scheduler process --workers 4 script.py
  gridengine run --queue short.q --resources h_vmem=4G,h_rt=1:00:00 script.py --its own options
  gridengine run --scheduler inline -m package.module

It says so by GRIDENGINE_SCHEDULER and GRIDENGINE_ARGUMENTS, which programs that it starts have too.

exit status: that of the program; 1 or 2 if it could not be started.
"""


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "run",
        help="run a program with a scheduler that is chosen here",
        usage="gridengine run [options] (SCRIPT | -m MODULE) [ARGUMENTS ...]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-m", dest="module", metavar="MODULE", nargs=argparse.REMAINDER,
        help="run a module, as python -m does",
    )  # fmt: skip
    parser.add_argument("script", metavar="SCRIPT", nargs="?", help="the file of the program")
    parser.add_argument(
        "arguments", metavar="ARGUMENTS", nargs=argparse.REMAINDER, help="those of the program"
    )
    scheduler_options.add_to(parser)
    parser.set_defaults(action=_run, parser=parser)


def _run(given: argparse.Namespace) -> int:
    if given.script is None and not given.module:
        given.parser.error("which program? SCRIPT or -m MODULE")
    environ = {**os.environ, **scheduler_options.variables(given)}
    if given.module is not None:
        program = ["-m", *given.module]
    else:
        # By its path: a name that begins with a dash is no option of Python's.
        script = given.script
        program = [os.path.join(".", script) if script.startswith("-") else script]
    if not sys.executable:
        raise GridEngineError("the path of this interpreter is not known")
    sys.stdout.flush()
    # In the place of this process: signals, the terminal and the exit status are the program's.
    os.execve(sys.executable, [sys.executable, *program, *given.arguments], environ)  # noqa: S606
