"""``gridengine status``: what this user's programs are doing."""

from __future__ import annotations

import argparse
import sys

from ...settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...observers.watching import WatchedScheduler
    from . import Commands

_DESCRIPTION = """\
Shows what your programs on this host are doing: jobs that are done, run, wait and have failed,
their workers, and their queue jobs. `gridengine top` shows the same all the time.

A program can be seen as soon as its scheduler has been open for half a second, by its user alone.
"""

_EPILOG = """\
examples:
  gridengine status
  gridengine status --all    # all rows of long tables
  gridengine status --json   # for programs

GRIDENGINE_RUN_DIR says where programs are found (~/.gridengine).

exit status: 0, also where nothing runs; 1 if that could not be looked at.
"""

#: Seconds for which programs are listened to: they tell each second how all stands.
_SECONDS = 1.5


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "status",
        help="show what your programs are doing",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="write all of it as JSON")
    parser.add_argument("--all", action="store_true", help="write long tables as a whole")
    parser.add_argument(
        "--run-dir", metavar="FOLDER", help="where programs are found, as GRIDENGINE_RUN_DIR"
    )
    parser.set_defaults(action=_show)


def _show(given: argparse.Namespace) -> int:
    from ...observers.watching import WatchedPrograms

    run_dir = given.run_dir or Settings.read().run_dir
    watched = WatchedPrograms(run_dir)
    try:
        watched.add(list(watched.search()))
        if watched.programs():
            watched.listen(_SECONDS)
        _write(watched.programs(), watched.silent, given, run_dir)
    finally:
        watched.close()
    return 0


def _write(
    programs: list[list[WatchedScheduler]],
    silent: list[int],
    given: argparse.Namespace,
    run_dir: str,
) -> None:
    if given.json:
        import json

        from ..programs.status_json import document

        text = json.dumps(document(programs, silent), indent=2)
    else:
        from ..programs.status_text import lines

        text = "\n".join(lines(programs, silent, all_rows=given.all, run_dir=run_dir))
    sys.stdout.write(f"{text}\n")
