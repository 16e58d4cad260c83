"""The command line: ``gridengine`` or ``python -m gridengine``."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from ..errors import GridEngineError
from ..extras import command
from ..logs import printable
from .commands import COMMANDS

#: As a shell has it of a process that a signal has ended.
_INTERRUPTED = 128 + signal.SIGINT
_NOBODY_READS = 128 + signal.SIGPIPE

_EPILOG = """\
`gridengine COMMAND --help` has examples of each command, and its exit status: 0 if all is done, 1
if something did not work, 2 if the command line is wrong, 130 after Ctrl-C, 141 if nobody reads its
output any more.

`python -m gridengine.example` tries whether it works here. How programs use it is said by
help(gridengine), in Python.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says.

    Args:
        arguments: Those behind the program's name; by default this process's.

    Returns:
        The exit status: 0, or 1 if something did not work; that of a shell after Ctrl-C, or if
        nobody reads the output any more. Some commands have others; their ``--help`` says so.
    """
    given = parser().parse_args(arguments)
    try:
        status: int = given.action(given)
        # Here, where it is known what to do if nobody reads it.
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of_output()
        return _NOBODY_READS
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (GridEngineError, OSError) as error:
        return _tell(error)
    except ModuleNotFoundError as error:
        # A library of an extra, and no module of the user's.
        if command("").partition("]")[0] not in str(error):
            raise
        return _tell(error)
    return status


def _tell(error: Exception) -> int:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(printable(f"gridengine: {error}\n"))
    return 1


def _let_go_of_output() -> None:
    """Has the end of the process not fail for what could not be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def parser() -> argparse.ArgumentParser:
    """Returns what reads the command line."""
    made = argparse.ArgumentParser(
        prog="gridengine",
        description="Runs Python functions on this computer's cores, or on a cluster.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"gridengine {_version()}")
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for add_to in COMMANDS:
        add_to(commands)
    return made


def _version() -> str:
    # Of the lobby, which is there already: nobody inside imports it.
    return str(vars(sys.modules[__name__.partition(".")[0]])["__version__"])
