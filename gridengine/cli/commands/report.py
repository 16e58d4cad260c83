"""``gridengine report``: a page of what a run was like, made of its log of events."""

from __future__ import annotations

import argparse
import os
import sys
import time

from ...errors import GridEngineError
from ...logs import printable
from ...settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import Commands

_DESCRIPTION = """\
Makes a page, run.html, of what a run was like: workers and time, time per call, memory, the
slowest calls, failures, how well the cores were used, and what to request next time.

It is made of the log of events of that run, which a program writes if GRIDENGINE_EVENT_LOG=1 is
set (or `event_log = true` in gridengine.toml).
"""

_EPILOG = """\
examples:
  GRIDENGINE_EVENT_LOG=1 python simulate.py; gridengine report
  gridengine report -o monday.html
  gridengine report --list

Of a program that still runs it is a report of what was until now. A page of one map alone is made
by map(..., report="run.html"), without a log.

exit status: 0; 1 if there is no log, or a part of it could not be read, or a library is missing:
pip install 'gridengine[report]'.
"""


#: Letters of a command line that are listed.
_PROGRAM = 200


def add_to(commands: Commands) -> None:
    """Adds its parser."""
    parser = commands.add_parser(
        "report",
        help="make a page of what a run was like",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("log", nargs="?", help="a log of events; by default the newest")
    parser.add_argument(
        "-o", "--output", default="run.html", metavar="FILE", help="the page (run.html)"
    )
    parser.add_argument("--list", action="store_true", help="list the logs, the newest first")
    parser.set_defaults(action=_report)


def _report(given: argparse.Namespace) -> int:
    from ...observers import event_log

    folder = event_log.folder_of(Settings.read().run_dir)
    if given.list:
        return _list(folder)
    log = given.log or _newest(folder)
    return _write(log, given.output)


def _newest(folder: str) -> str:
    from ...observers import event_log

    found = event_log.newest_first(folder)
    if not found:
        raise GridEngineError(f"{_none_in(folder)}, or name a log")
    return found[0]


def _none_in(folder: str) -> str:
    return f"there is no log of events in {folder}: run the program with GRIDENGINE_EVENT_LOG=1"


def _list(folder: str) -> int:
    from ...observers import event_log

    found = event_log.newest_first(folder)
    if not found:
        sys.stderr.write(printable(f"gridengine: {_none_in(folder)}\n"))
    for path in found:
        try:
            header = event_log.header_of(path)
        except (GridEngineError, OSError) as error:
            sys.stderr.write(printable(f"{error}\n"))
            continue
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(header.began))
        size = f"{os.path.getsize(path) / 1e6:.1f} MB"
        program = " ".join(header.program.split())[:_PROGRAM]
        sys.stdout.write(printable(f"{path}\n    {began}, {size}: {program}\n"))
    return 0


def _write(log: str, output: str) -> int:
    from ...observers import event_log
    from ...observers.report import page
    from ...observers.report.records import About
    from ...observers.report.run_facts import RunFacts

    try:
        path = page.checked_path(output)
        page.check()
    except (ValueError, ModuleNotFoundError) as error:
        raise GridEngineError(str(error)) from None
    header = event_log.header_of(log)
    facts = RunFacts(header.began, all_jobs=True)
    status, remark = 0, ""
    try:
        for when, event in event_log.read(log):
            facts.note(when, event)
    except GridEngineError as error:
        # A part is more than nothing.
        sys.stderr.write(printable(f"gridengine: {error}\n"))
        status, remark = 1, str(error)
    title = f"Run of {time.strftime('%Y-%m-%d %H:%M', time.localtime(header.began))}"
    about = About(
        title, header.program, header.host, header.scheduler, header.slots, None, remark
    )  # fmt: skip
    page.write(path, page.page(facts, about))
    sys.stdout.write(printable(f"{path}\n"))
    return status
