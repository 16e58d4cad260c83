"""``gridengine top``: what this user's programs are doing, all the time."""

from __future__ import annotations

import argparse
import os
import sys

from ... import extras
from ...errors import GridEngineError
from ...settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Shows what `gridengine status` shows, in the terminal, all the time. The arrow keys choose a
program and a worker, Tab goes from one table to the next, and to the line of tabs, which the arrow
keys turn; o shows what the worker's job has printed, s where it is now, k ends it; f goes to the
failures and back, Enter shows all of one, q quits.

It needs textual: pip install 'gridengine[top]'.
"""

_EPILOG = """\
examples:
  gridengine top

GRIDENGINE_RUN_DIR says where programs are found (~/.gridengine).

exit status: 0; 1 if there is no terminal, or textual is missing.
"""

#: By how much less urgent this is than other programs: nice(1).
_NICE = 5


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "top",
        help="show what your programs are doing, all the time",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--run-dir", metavar="FOLDER", help="where programs are found, as GRIDENGINE_RUN_DIR"
    )
    parser.set_defaults(action=_run)


def _run(given: argparse.Namespace) -> int:
    try:
        with extras.needed("top", "gridengine top"):
            from ..top.app import Top
    except ModuleNotFoundError as error:
        raise GridEngineError(str(error)) from None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise GridEngineError("gridengine top needs a terminal; gridengine status does without")
    from ...observers.watching import WatchedPrograms

    # What is looked at goes first.
    os.nice(_NICE)
    watched = WatchedPrograms(given.run_dir or Settings.read().run_dir)
    try:
        watched.add(watched.search())
        Top(watched).run()
    finally:
        watched.close()
    return 0
