"""``gridengine reap``: ends what earlier programs may have left."""

from __future__ import annotations

import argparse
import sys

from ...errors import GridEngineError
from ...logs import printable
from ...settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Ends what earlier programs of yours may have left, if they were killed together with the process
that cleans up after them: queue jobs, supervisors on this host, folders with keys, and sockets.

It touches only what is provably yours and left behind: queue jobs that carry the name, the owner
and the time of submission that their program has noted, and whose program is gone from this
host; folders that say whose they are. What runs is only reported, and what belongs to another
host, to this one before it was started anew, or to a container (a PID or time namespace): run it
there, or give the command that it prints, if you know that the program is gone.

It reads nothing that others could have planted, and asks no Grid Engine but that of SGE_ROOT and
SGE_CELL, by the qstat and qdel that are there or in your PATH.
"""

_EPILOG = """\
examples:
  gridengine reap --dry-run    # only tell
  gridengine reap

GRIDENGINE_RUN_DIR says where programs note what they have (~/.gridengine).

exit status: 0; 1 if something could not be ended, or looked at.
"""

_PAST = {"delete": "deleted", "end": "ended", "remove": "removed"}


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "reap",
        help="end what earlier programs may have left",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.set_defaults(action=_reap)


def _reap(given: argparse.Namespace) -> int:
    from .. import reap

    status = acted = 0
    for finding in reap.findings(Settings.read()):
        if not finding.verb:
            _say("left alone", finding.what)
            status |= finding.trouble
            continue
        acted += 1
        if given.dry_run:
            _say(f"would {finding.verb}", finding.what)
            continue
        try:
            finding.act()
        except (GridEngineError, OSError) as error:
            _say(f"could not {finding.verb}", f"{finding.what}: {error}")
            status = 1
        else:
            _say(_PAST[finding.verb], finding.what)
    if not acted:
        sys.stdout.write("nothing was left behind\n")
    return int(status)


def _say(done: str, what: str) -> None:
    # Names of files, and what is in them, may be another user's.
    sys.stdout.write(printable(f"{done}: {what}\n"))
    sys.stdout.flush()
