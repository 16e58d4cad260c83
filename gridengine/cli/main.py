"""The command line: ``gridengine`` or ``python -m gridengine``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..errors import GridEngineError
from ..logs import printable
from .commands import COMMANDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says.

    Args:
        arguments: Those behind the program's name; by default this process's.

    Returns:
        The exit status: 0, or 1 if something did not work.
    """
    given = _parser().parse_args(arguments)
    try:
        status: int = given.action(given)
    except (GridEngineError, OSError) as error:
        sys.stderr.write(printable(f"gridengine: {error}\n"))
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gridengine",
        description="Runs Python functions on this computer's cores, or on a Grid Engine cluster.",
        epilog="`python -m gridengine.example` tries whether it works here. How programs use it is "
        "said by help(gridengine), in Python.",
    )
    parser.add_argument("--version", action="version", version=f"gridengine {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add_to in COMMANDS:
        add_to(commands)
    return parser


def _version() -> str:
    # Of the lobby, which is there already: nobody inside imports it.
    return str(vars(sys.modules[__name__.partition(".")[0]])["__version__"])
