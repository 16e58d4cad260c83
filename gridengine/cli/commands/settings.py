"""``gridengine settings``: what is in force, and where it comes from."""

from __future__ import annotations

import argparse
import sys

from ...logs import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..settings_table import InForce
    from . import Commands

_DESCRIPTION = """\
Prints the settings that are in force for a program that is started here and says nothing itself,
and where each comes from: a variable, a line of a gridengine.toml, or the default. A program's
own settings= count more, then the variables, then the file of the project, then the user's.
"""

_EPILOG = """\
examples:
  gridengine settings                       # what is in force
  GRIDENGINE_GRACE=5 gridengine settings    # ... and what a variable would change
  gridengine settings --json                # for programs

exit status: 0; 1 if a variable or a file says what is no setting, or a value that it does not
take: standard error has each mistake in a line.
"""


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "settings",
        help="print the settings in force, and where they come from",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one object of JSON")
    parser.set_defaults(action=_print)


def _print(given: argparse.Namespace) -> int:
    from ..settings_table import in_force

    rows, mistakes = in_force()
    sys.stdout.write(_json(rows, mistakes) if given.json else _table(rows))
    sys.stdout.flush()
    for mistake in mistakes:
        sys.stderr.write(printable(f"gridengine: {mistake}\n"))
    return 1 if mistakes else 0


def _json(rows: Sequence[InForce], mistakes: Sequence[str]) -> str:
    import json

    # What a file has as a date has no other form in JSON.
    told = {"settings": [row._asdict() for row in rows], "mistakes": mistakes}
    return json.dumps(told, indent=2, default=str) + "\n"


def _table(rows: Sequence[InForce]) -> str:
    from ..settings_table import shown

    lines = [("setting", "value", "from")]
    for row in rows:
        value = "the best there is" if row.value is None else shown(row.value) or "-"
        lines.append((row.name, value, row.source))
    # One line each, whatever a file has in it.
    texts = [tuple(printable(text).replace("\n", "\\n") for text in line) for line in lines]
    widths = [max(len(line[column]) for line in texts) for column in (0, 1)]
    return "".join(
        f"{name:{widths[0]}}  {value:{widths[1]}}  {source}\n" for name, value, source in texts
    )
